/* What the storyteller remembers: dots on the map, and a page word by word as it still sees it. */

import { open } from "./dialogs.js";
import { SIGHTS } from "./map.js";

async function ask(...names) {
  try {
    const reply = await fetch("sights/" + names.map(encodeURIComponent).join("/"), { cache: "no-store" });
    return reply.ok ? await reply.json() : {};
  } catch {
    return {};
  }
}

export class Memory {
  constructor(story) {
    this.story = story;
    this.known = {};
    this.asked = "";
  }

  /* What the turn after a page sees; the answer is asked for once the reader stays there. */
  look(panel, shown) {
    const asked = `${this.story.seal} ${panel}`;
    if (asked === this.asked) return;
    this.asked = asked;
    clearTimeout(this.timer);
    if (!panel) return;
    this.timer = setTimeout(async () => {
      const found = await ask(this.story.id, panel);
      if (asked !== this.asked) return;
      this.known = found;
      shown(found.sights || {});
    }, 400);
  }

  /* The dialog of the pages on the way to `leaf`, beginning with one of them. */
  async show(panel, leaf) {
    const dialog = open("lens");
    const place = dialog.querySelector(".lens");
    const [lens, all] = await Promise.all([ask(this.story.id, leaf, panel), ask(this.story.id, leaf)]);
    place.replaceChildren(
      ...(lens.words ? this.page(panel, lens, all) : [line("p", "The storyteller has not read this page.")]),
      ...(all.policies ? this.policies(all) : []),
    );
  }

  page(panel, lens, all) {
    const number = this.story.places.get(panel).column + 1;
    const sight = lens.is_pinned ? "kept in mind" : SIGHTS[all.sights?.[panel]] || "";
    const caption = line("p", "", "lens-words");
    caption.append(...lens.words.map(([text, isSeen]) => line("span", text, isSeen ? "seen" : "unseen")));
    const share = lens.image_rows ? lens.image_seen / lens.image_rows : 0;
    const picture = document.createElement("div");
    picture.className = "lens-picture";
    picture.style.setProperty("--share", share.toFixed(3));
    const image = document.createElement("img");
    Object.assign(image, { src: this.story.pages.get(panel).image || "data:,", alt: "" });
    picture.append(image);
    return [
      line("h3", `Page ${number}: ${sight}`),
      picture,
      caption,
      line("p", `Of its picture the storyteller sees ${lens.image_seen} of ${lens.image_rows} tokens.`, "note"),
    ];
  }

  policies(all) {
    const table = document.createElement("table");
    const head = document.createElement("tr");
    head.append(...["What is remembered", "Now", `In ${all.pages_ahead} pages`, ""].map((text) => line("th", text)));
    table.append(head);
    for (const one of all.policies) {
      const row = document.createElement("tr");
      const isOn = one.name === all.policy;
      if (isOn) row.className = "policy-on";
      row.append(
        line("td", one.label),
        line("td", `${one.seen} tokens, ${one.megabytes} MiB`),
        line("td", `${one.seen_later} tokens, ${one.megabytes_later} MiB`),
      );
      const cell = document.createElement("td");
      const button = line("button", isOn ? "Chosen" : "Choose", "quiet");
      Object.assign(button, { type: "button", disabled: isOn });
      button.dataset.do = "policy";
      button.dataset.name = one.name;
      cell.append(button);
      row.append(cell);
      table.append(row);
    }
    return [line("h3", "The whole tale"), line("p", `It has ${all.rows} tokens, ${all.megabytes} MiB.`, "note"), table];
  }
}

function line(name, text, className = "") {
  const element = document.createElement(name);
  element.textContent = text;
  if (className) element.className = className;
  return element;
}
