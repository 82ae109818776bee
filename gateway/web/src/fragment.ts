// What a link that signs in carries after the `#`, which browsers do not send to servers.

/** Return the token in the address (`#token=…`), or null. It is removed from there and from the history. */
export function takeToken(): string | null {
  const secret = new URLSearchParams(location.hash.slice(1)).get("token");
  if (secret === null) return null;
  history.replaceState(history.state, "", location.pathname + location.search);
  return secret || null;
}
