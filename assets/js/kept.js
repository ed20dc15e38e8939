/* What this browser keeps: the reader's stories and settings, and what only this tab knows.
   A private window or a full disk may refuse to keep anything; the page then works without. */

const STORIES = "seedstory-stories";
const MOST = 60;

let refused = false;

/* Whether something could not be kept, so that the page can say it. */
export const isRefused = () => refused;

function read(storage, key, without) {
  try {
    return JSON.parse(window[storage].getItem(key)) ?? without;
  } catch {
    return without;
  }
}

function write(storage, key, value) {
  try {
    window[storage].setItem(key, JSON.stringify(value));
  } catch {
    if (storage === "localStorage") refused = true;
  }
}

/* For this tab; it survives a reload, also one after a restart of the server. */
export const recall = (key, without) => read("sessionStorage", STORIES + key, without);
export const keep = (key, value) => write("sessionStorage", STORIES + key, value);

/* For this browser. */
export const setting = (name, without) => read("localStorage", "seedstory-" + name, without);
export const setSetting = (name, value) => write("localStorage", "seedstory-" + name, value);

/* Ids of the stories that were opened here, the latest first. */
export function mine() {
  const ids = read("localStorage", STORIES, []);
  return Array.isArray(ids) ? ids.filter((id) => typeof id === "string") : [];
}

/* The latest first. */
export function remember(...stories) {
  const ids = [...stories, ...mine().filter((id) => !stories.includes(id))].slice(0, MOST);
  write("localStorage", STORIES, ids);
}

/* By this the page asks for a story that it has begun and was not told of; nobody else knows it. */
export function ticket() {
  const made = () => [...crypto.getRandomValues(new Uint8Array(16))].join("-");
  const kept = recall("-ticket", "") || made();
  keep("-ticket", kept);
  return kept;
}
