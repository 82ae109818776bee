"use client";

import { useSyncExternalStore } from "react";

// The tracker fires this whenever attribution is settled: when it has loaded, and after each landing that follows.
function subscribe(onChange) {
  document.addEventListener("affitor:ready", onChange);
  return () => document.removeEventListener("affitor:ready", onChange);
}

// React compares snapshots by identity, so this is a string or null rather than a new object on each call.
function snapshot() {
  return window.affitor?.clickId ?? null;
}

// The visitor is unknown on the server, and so in the first render in the browser, which has to match the server's.
function serverSnapshot() {
  return null;
}

/**
 * Returns the click id of a visitor who arrived through a referral link, or null for other visitors and until it is known.
 *
 * @returns {string | null}
 */
export function useClickId() {
  return useSyncExternalStore(subscribe, snapshot, serverSnapshot);
}
