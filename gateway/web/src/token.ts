// The signed-in user's token. It is kept in the tab's session storage, and in no address that a server sees.

const KEY = "clickgate.token";
/** A name for the session, which tells it apart from earlier ones in the same tab. */
const SESSION = "clickgate.session";

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Return the name of the current session, or null if nobody is signed in. */
export function session(): string | null {
  return sessionStorage.getItem(SESSION);
}

export function keepToken(secret: string): void {
  sessionStorage.setItem(KEY, secret);
  sessionStorage.setItem(SESSION, `${Date.now()}-${Math.random()}`);
}

export function forgetToken(): void {
  sessionStorage.removeItem(KEY);
  sessionStorage.removeItem(SESSION);
}

/** Move a token from the address (`#token=…`, which browsers do not send to servers) into the storage. */
export function adoptToken(): void {
  const secret = new URLSearchParams(location.hash.slice(1)).get("token");
  if (secret === null) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  if (secret) keepToken(secret);
}
