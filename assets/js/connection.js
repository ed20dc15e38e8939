/* What became of a turn reaches the page by a chain of replies, and any of them may be lost: by a
   gateway, or with the connection. So a page that waits and hears nothing asks the server, shows
   what it missed by the same events as ever, and if even those are dead, loads itself again. */

import { keep, recall, ticket } from "./kept.js";

const TICK = 1000;
const QUIET = 3000;
const PATIENCE = 10000;
const LONGEST = 60000;
const MOST_RELOADS = 3;

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));

export class Connection {
  /* `state` returns the page's state, `look` asks the server for what was missed. */
  constructor(state, look) {
    this.state = state;
    this.look = look;
    this.asked = 0;
    this.seen = "";
    this.version = "";
    this.time = Date.now();
    this.missed = this.looked = 0;
    this.hasArrived = false;
    this.wake = () => {};
  }

  heard() {
    this.time = Date.now();
    this.missed = this.looked = 0;
  }

  /* A turn was asked for, and its answer may be lost. */
  ask() {
    this.asked = Date.now();
    keep("-turn", { ...recall("-turn", {}), asked: this.asked });
  }

  /* The server's answer is there. */
  answered({ story, job, due, live, at }) {
    this.seen = job || this.seen;
    this.asked = 0;
    keep("-turn", { story, job, due, live, at, seen: this.seen, asked: 0 });
    this.heard();
  }

  /* The turn that a page waited for before it was loaded again, as part of its state. */
  async waitedFor(story) {
    const kept = recall("-turn", {});
    if ((kept.story || "") !== story) return {};
    this.asked = kept.asked || 0;
    this.seen = kept.seen || "";
    if (kept.job) return { job: kept.job, due: kept.due, live: kept.live, at: kept.at };
    const turn = this.asked ? await this.latest(story || ticket()) : null;
    return turn && this.isMissed(turn) ? { story: turn.story, job: turn.job } : {};
  }

  /* The latest turn of a story, or of this page's ticket; null without a connection. */
  async latest(key) {
    try {
      const reply = await fetch(`turns/${encodeURIComponent(key)}`, {
        cache: "no-store",
        signal: AbortSignal.timeout(8000),
      });
      return reply.ok ? await reply.json() : null;
    } catch {
      return null;
    }
  }

  /* Whether a click that was not answered has begun this turn. */
  isMissed(turn) {
    return turn.job && turn.job !== this.seen && turn.age * 1000 <= Date.now() - this.asked + TICK;
  }

  async tick() {
    const state = this.state();
    const version = document.querySelector("#live [data-version]")?.dataset.version || "";
    if (version !== this.version) {
      this.version = version;
      this.heard();
    }
    if (Date.now() - this.asked > LONGEST) this.asked = 0;
    const waits = state.busy || this.asked;
    const isFresh = Date.now() - this.time < QUIET;
    if (!waits || isFresh || (this.asked && Date.now() - this.asked < QUIET)) return;
    const turn = await this.latest(state.story || state.ticket);
    if (!turn || (!state.busy && !this.isMissed(turn))) return;
    const isSame = state.busy && turn.job === state.job && !turn.ended;
    if (isSame && String(turn.version) === version) {
      this.heard(); /* Nothing happened meanwhile. */
      return;
    }
    this.missed += 1;
    if (this.missed === 2) {
      this.looked = Date.now();
      this.look({ job: turn.job, story: turn.story || "" });
    } else if (this.looked && Date.now() - this.looked > PATIENCE) {
      this.loadAgain(turn.job);
    }
  }

  /* At most a few times for one turn. */
  loadAgain(job) {
    const reloads = recall("-turn-reloads", {});
    const count = reloads.job === job ? reloads.count + 1 : 1;
    if (count > MOST_RELOADS) return;
    keep("-turn-reloads", { job, count });
    location.reload();
  }

  /* Without the answer to its first event the page shows nothing, and that may be lost, too. */
  async seeThatItArrives() {
    while (!this.hasArrived) {
      await pause(2 * PATIENCE);
      if (!this.hasArrived && (await this.latest(ticket()))) this.loadAgain("");
    }
  }

  async watchOver() {
    for (;;) {
      await Promise.race([pause(TICK), new Promise((resolve) => (this.wake = resolve))]);
      await this.tick();
    }
  }

  /* A turn that was asked for in another window is shown here, too. */
  async seeOthers() {
    const { story, busy } = this.state();
    const turn = story && !busy ? await this.latest(story) : null;
    if (turn && turn.job && turn.job !== this.seen && !this.state().busy) {
      this.look({ job: turn.job, story });
    }
  }

  begin() {
    /* Back from sleep, from another window or on line again: what was missed is shown at once. */
    const back = () => {
      if (document.visibilityState === "hidden") return;
      this.time = 0;
      this.wake();
      this.seeOthers();
    };
    for (const sign of ["online", "pageshow"]) window.addEventListener(sign, back);
    document.addEventListener("visibilitychange", back);
    this.watchOver();
    this.seeThatItArrives();
  }
}
