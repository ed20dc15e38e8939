/* The dialogs: the map, taking a story home, two branches side by side, the lens, the keys. */

export function open(name) {
  const dialog = document.getElementById(`${name}-dialog`);
  if (dialog && !dialog.open) dialog.showModal();
  return dialog;
}

export function close() {
  document.querySelectorAll("dialog[open]").forEach((dialog) => dialog.close());
}

/* A click beside a dialog closes it. */
document.addEventListener("click", (event) => {
  const dialog = event.target.closest?.("dialog");
  if (!dialog || event.target !== dialog) return;
  const box = dialog.getBoundingClientRect();
  const isInside = event.clientX >= box.left && event.clientX <= box.right &&
    event.clientY >= box.top && event.clientY <= box.bottom;
  if (!isInside) dialog.close();
});

export const isOpen = () => Boolean(document.querySelector("dialog[open]"));

/* The addresses of a story at a page, for taking it home and for letting others read it. */
export function take(story, panel) {
  const dialog = open("take");
  if (!dialog) return;
  for (const link of dialog.querySelectorAll("[data-kind]")) {
    link.href = `take/${encodeURIComponent(story.id)}/${encodeURIComponent(panel)}.${link.dataset.kind}`;
  }
  const address = new URL(`read/${story.key}`, location.href.split("?")[0]);
  dialog.querySelector(".reading-link input").value = address.href;
}

export async function copyLink() {
  const field = document.querySelector(".reading-link input");
  field.select();
  try {
    await navigator.clipboard.writeText(field.value);
  } catch {
    document.execCommand("copy");
  }
}

/* Two branches from the page where they part. */
export function compare(story, one, other) {
  const dialog = open("compare");
  if (!dialog) return;
  const paths = [story.path(one), story.path(other)];
  let shared = 0;
  while (paths[0][shared] && paths[0][shared] === paths[1][shared]) shared += 1;
  const columns = paths.map((path) => {
    const column = document.createElement("div");
    const last = path.at(-1);
    const ids = path.slice(Math.max(0, shared - 1));
    const heading = document.createElement("h3");
    heading.textContent = story.pages.get(path[shared])?.name || `To page ${path.length}`;
    column.append(heading, ...ids.map((id) => small(story, id)));
    const go = document.createElement("button");
    go.type = "button";
    go.className = "act";
    go.dataset.do = "go";
    go.dataset.panel = last;
    go.textContent = "Go there";
    column.append(go);
    return column;
  });
  dialog.querySelector(".columns").replaceChildren(...columns);
}

function small(story, id) {
  const page = story.pages.get(id);
  const figure = document.createElement("figure");
  const words = document.createElement("figcaption");
  words.dir = "auto";
  words.textContent = story.text(id);
  if (page.image) {
    const image = document.createElement("img");
    Object.assign(image, { src: page.image, alt: "", loading: "lazy" });
    figure.append(image);
  }
  figure.append(words);
  return figure;
}
