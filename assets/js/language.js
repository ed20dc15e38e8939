/* The words of the page in the reader's language; the tales stay in the storyteller's. The
   catalogues (assets/languages) come with Gradio's own translations. Every text of the page is
   written in English, by Python, by Gradio or by these scripts, and translated where it is shown. */

const NAMES = ["alt", "aria-label", "title", "placeholder"];
/* What people and the storyteller wrote. */
const TOLD = [
  ".caption", ".title", ".title-suggested", ".way-text", ".cover-title", ".spine strong", ".finished strong", ".columns h3", ".card-text",
  "#peek p", "figcaption[dir]", ".lens-words", ".node-text", ".node-name", "textarea", "script", "style",
].join();

class Catalogue {
  constructor(entries) {
    this.exact = new Map();
    this.patterns = [];
    for (const [text, translation] of Object.entries(entries)) {
      if (!/\{\d\}/.test(text)) {
        this.exact.set(text, translation);
        continue;
      }
      const escaped = text.replace(/[.*+?^$()|[\]\\]/g, "\\$&");
      const order = [];
      const source = escaped.replace(/\{(\d)\}/g, (_, number) => order.push(number) && "(.+?)");
      this.patterns.push({ pattern: new RegExp(`^${source}$`, "s"), order, translation });
    }
  }

  translate(text) {
    const known = this.exact.get(text);
    if (known !== undefined) return known;
    for (const { pattern, order, translation } of this.patterns) {
      const found = pattern.exec(text);
      if (!found) continue;
      return translation.replace(/\{(\d)\}/g, (_, number) => {
        const part = found[order.indexOf(number) + 1];
        return part === undefined ? "" : this.exact.get(part) ?? part;
      });
    }
    return null;
  }
}

/* The language of the browser that the page has, or English. */
export function languageOf(available) {
  for (const wanted of navigator.languages || [navigator.language]) {
    const found = [wanted.toLowerCase(), wanted.slice(0, 2).toLowerCase()].find((one) => available.includes(one));
    if (found) return found;
  }
  return "en";
}

export function begin() {
  const catalogues = window.gradio_config?.i18n_translations || {};
  const language = languageOf(["en", ...Object.keys(catalogues)]);
  document.documentElement.lang = language;
  document.documentElement.dataset.language = language;
  if (language === "en") return;
  const catalogue = new Catalogue(catalogues[language]);
  const written = new WeakMap();

  function text(node) {
    const now = node.nodeValue;
    const trimmed = now.trim();
    if (!trimmed || written.get(node) === now || node.parentElement?.closest(TOLD)) return;
    const translated = catalogue.translate(trimmed);
    if (translated === null) return;
    const shown = now.replace(trimmed, () => translated);
    written.set(node, shown);
    node.nodeValue = shown;
  }

  const named = new WeakMap();

  function names(element) {
    const known = named.get(element) || {};
    for (const name of NAMES) {
      const now = element.getAttribute(name);
      if (!now || known[name] === now) continue;
      const translated = catalogue.translate(now);
      if (translated === null || translated === now) continue;
      named.set(element, { ...named.get(element), [name]: translated });
      element.setAttribute(name, translated);
    }
  }

  function all(root) {
    if (root.nodeType === Node.TEXT_NODE) return text(root);
    if (root.nodeType !== Node.ELEMENT_NODE) return undefined;
    names(root);
    for (const element of root.querySelectorAll("[alt], [aria-label], [title], [placeholder]")) names(element);
    const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
    for (let node = walker.nextNode(); node; node = walker.nextNode()) text(node);
    return undefined;
  }

  new MutationObserver((changes) => {
    for (const { type, target, addedNodes } of changes) {
      if (type === "characterData") text(target);
      else if (type === "attributes") names(target);
      else addedNodes.forEach(all);
    }
  }).observe(document.body, {
    childList: true, subtree: true, characterData: true, attributes: true, attributeFilter: NAMES,
  });
  all(document.body);
  // Gradio's field for files is labelled by the stylesheet.
  const own = catalogue.translate("Use a picture of your own");
  if (own) document.documentElement.style.setProperty("--own-picture", JSON.stringify(own));
}
