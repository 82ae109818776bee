// The token of whoever is signed in. It lives in this tab's session storage, and in no address that a server sees.

const KEY = "clickgate.token";
/** Tells one time of being signed in from another, and from nobody else's. */
const SESSION = "clickgate.session";

export function token(): string | null {
  return sessionStorage.getItem(KEY);
}

/** Return the name of the present session, null if nobody is signed in. */
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

/** Move a token that came as `#token=…`, which no server is sent, into the storage and out of the address. */
export function adoptToken(): void {
  const secret = new URLSearchParams(location.hash.slice(1)).get("token");
  if (secret === null) return;
  history.replaceState(history.state, "", location.pathname + location.search);
  if (secret) keepToken(secret);
}
