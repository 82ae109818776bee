// Gathers the clicks that arrive into few changes of the page, however many there are.

import type { Click } from "./queries.ts";

const GATHER_MS = 200;
/** The sums are asked for anew soon after a click, and then at most so often. */
const SUMS_MS = 600;
const SUMS_PAUSE_MS = 4000;

export interface Arrivals {
  add(click: Click): void;
  /** Something changed that nobody saw: ask for the sums. */
  missed(): void;
  stop(): void;
}

export function arrivals(show: (clicks: Click[]) => void, refresh: () => void): Arrivals {
  let gathered: Click[] = [];
  let showing: number | undefined;
  let refreshing: number | undefined;
  let refreshedAt = -Infinity;

  function soon(): void {
    refreshing ??= window.setTimeout(sum, Math.max(SUMS_MS, refreshedAt + SUMS_PAUSE_MS - performance.now()));
  }

  function sum(): void {
    // Nobody looks: it waits until somebody does.
    if (document.hidden) return;
    refreshing = undefined;
    refreshedAt = performance.now();
    refresh();
  }
  const onVisible = () => refreshing !== undefined && !document.hidden && sum();
  document.addEventListener("visibilitychange", onVisible);
  return {
    add(click) {
      gathered.push(click);
      showing ??= window.setTimeout(() => {
        showing = undefined;
        show(gathered.splice(0));
      }, GATHER_MS);
      soon();
    },
    missed: soon,
    stop() {
      clearTimeout(showing);
      clearTimeout(refreshing);
      document.removeEventListener("visibilitychange", onVisible);
    },
  };
}
