// What a link that signs in carries after the `#`, which browsers do not send to servers: a token, or the secret of a
// sign-in link.

const NAMES = ["token", "sign-in"] as const;

export interface Given {
  kind: (typeof NAMES)[number];
  secret: string;
}

/** Return whether the address has something that signs in. */
export function isGiven(): boolean {
  return NAMES.some((kind) => parameters().has(kind));
}

/** Return what the address has that signs in, or null. It is removed from there and from the history. */
export function takeGiven(): Given | null {
  const kind = NAMES.find((each) => parameters().has(each));
  if (!kind) return null;
  const secret = parameters().get(kind);
  history.replaceState(history.state, "", location.pathname + location.search);
  return secret ? { kind, secret } : null;
}

function parameters(): URLSearchParams {
  return new URLSearchParams(location.hash.slice(1));
}
