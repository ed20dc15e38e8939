/* Reads the book aloud with the browser's own voice: the word that is spoken is lit, and the page
   turns by itself. Without a voice the pages turn after the time that reading them takes. */

const WORDS_A_MINUTE = 130;
const PAUSE = 900;
const LIT = "spoken-word";

export class Aloud {
  /* `book` gives the current page, `turn` goes to the next one and returns whether there is one. */
  constructor(book, turn, changed) {
    Object.assign(this, { book, turn, changed });
    this.isReading = false;
    this.timer = 0;
  }

  get voice() {
    const voices = window.speechSynthesis?.getVoices() || [];
    const language = document.documentElement.dataset.tales || "en";
    return voices.find((voice) => voice.lang.toLowerCase().startsWith(language)) || null;
  }

  toggle() {
    if (this.isReading) this.stop();
    else this.start();
  }

  start() {
    this.isReading = true;
    this.changed(true);
    this.read();
  }

  stop() {
    if (!this.isReading) return;
    this.isReading = false;
    clearTimeout(this.timer);
    window.speechSynthesis?.cancel();
    this.light(null);
    this.changed(false);
  }

  /* Reads the page that is shown; call it again when another page is. */
  read() {
    clearTimeout(this.timer);
    window.speechSynthesis?.cancel();
    this.light(null);
    const caption = this.book.current?.querySelector(".caption");
    if (!this.isReading || !caption) return;
    const text = caption.textContent;
    const panel = this.book.panel;
    const goOn = () => {
      if (!this.isReading || this.book.panel !== panel) return;
      this.light(null);
      this.timer = setTimeout(() => this.turn() || this.stop(), PAUSE);
    };
    if (!this.voice) {
      const words = text.split(/\s+/).length;
      this.light(caption, 0, text.length);
      this.timer = setTimeout(goOn, (60000 * Math.max(6, words)) / WORDS_A_MINUTE);
      return;
    }
    const speech = new SpeechSynthesisUtterance(text);
    speech.voice = this.voice;
    speech.lang = this.voice.lang;
    speech.rate = 0.9;
    speech.onboundary = (event) => {
      if (event.name && event.name !== "word") return;
      const rest = text.slice(event.charIndex);
      const length = event.charLength || rest.search(/[\s.,!?;:”"]|$/);
      this.light(caption, event.charIndex, event.charIndex + Math.max(1, length));
    };
    speech.onend = goOn;
    speech.onerror = (event) => {
      if (!["canceled", "interrupted"].includes(event.error)) this.stop();
    };
    window.speechSynthesis.speak(speech);
  }

  /* Lights a part of a caption; null takes the light away. */
  light(caption, from = 0, to = 0) {
    if (!CSS.highlights) {
      document.querySelectorAll(".caption-lit").forEach((one) => one.classList.remove("caption-lit"));
      caption?.classList.add("caption-lit");
      return;
    }
    CSS.highlights.delete(LIT);
    if (!caption) return;
    const range = document.createRange();
    let before = 0;
    let isBegun = false;
    const walker = document.createTreeWalker(caption, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) {
      const end = before + node.length;
      if (!isBegun && from < end) {
        range.setStart(node, Math.max(0, from - before));
        isBegun = true;
      }
      if (isBegun && to <= end) {
        range.setEnd(node, to - before);
        break;
      }
      before = end;
    }
    if (isBegun) CSS.highlights.set(LIT, new Highlight(range));
  }
}
