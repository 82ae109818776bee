// The token of the field above the editor. It is kept as long as the page is open. Without one, the browser adds the
// cookie of its session, if somebody is signed in.

import { takeGiven } from "../fragment.ts";

let secret = takeGiven()?.secret ?? null;

export function token(): string | null {
  return secret;
}

export function use(typed: string): void {
  secret = typed.trim() || null;
}
