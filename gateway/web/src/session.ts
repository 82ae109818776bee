// The browser's session. Its secret is in a cookie that no script can read, and the token that it was opened with is
// kept nowhere. What is known here is the session's name, and only while the page is open.

import { Failed, checked, reached } from "./gateway.ts";
import { SESSION_PATH } from "./endpoint.ts";
import type { Given } from "./fragment.ts";

const NOBODY = 204;

/** Tells the other tabs that the browser is signed in as someone else, or as nobody. */
const tabs = new BroadcastChannel("clickgate.session");
let name: string | null = null;

/** Return the name of the current session, which tells it from others, or null if nobody is signed in. */
export function session(): string | null {
  return name;
}

/** Find the session that the browser has, if any. Throws `Away`, `Failed`. */
export async function resume(): Promise<boolean> {
  name = await named({ method: "GET" });
  return name !== null;
}

/** Exchange a token, or the secret of a sign-in link, for a session. Throws `Refused`, `Away`, `Failed`. */
export async function signIn({ kind, secret }: Given): Promise<void> {
  const by: RequestInit =
    kind === "token"
      ? { headers: { Authorization: `Bearer ${secret}` } }
      : { headers: { "Content-Type": "application/json" }, body: JSON.stringify({ sign_in: secret }) };
  name = await named({ method: "POST", ...by });
  tabs.postMessage(name);
}

/** End the session. Throws `Failed` if the gateway does not answer: only it can remove the cookie. */
export async function signOut(): Promise<void> {
  try {
    checked(await reached(SESSION_PATH, { method: "DELETE" }));
  } catch {
    throw new Failed("you are still signed in, as the gateway cannot be reached");
  }
  name = null;
  tabs.postMessage(name);
}

/** Forget a session that has ended. */
export function forget(): void {
  name = null;
}

/** Call a function when another tab has signed in or out. */
export function onOtherTabs(changed: (isSignedIn: boolean) => void): void {
  tabs.addEventListener("message", ({ data }) => data !== name && changed(data !== null));
}

async function named(options: RequestInit): Promise<string | null> {
  const response = checked(await reached(SESSION_PATH, options));
  if (response.status === NOBODY) return null;
  if (!response.ok) throw new Failed(((await response.json()) as { error: string }).error);
  return ((await response.json()) as { session: string }).session;
}
