"use client";

import { useSyncExternalStore } from "react";

// The tracker fires this whenever attribution is settled: when it has loaded, and after each landing that follows.
function subscribe(onChange) {
  document.addEventListener("affitor:ready", onChange);
  return () => document.removeEventListener("affitor:ready", onChange);
}

// A string or null, which React can compare; an object would be a new one at each call.
function snapshot() {
  return window.affitor?.clickId ?? null;
}

// On the server, and in the first render in the browser, which has to look the same, nobody knows the visitor.
function serverSnapshot() {
  return null;
}

/**
 * Returns the click id of a visitor who came by a referral link, and null for anyone else or while it is not known yet.
 *
 * @returns {string | null}
 */
export function useClickId() {
  return useSyncExternalStore(subscribe, snapshot, serverSnapshot);
}
