// Requests to the gateway. They tell apart refused callers, outages and other errors.

const UNAUTHORIZED = 401;
const TRY_LATER = [429, 502, 503, 504];

/** Nobody is signed in, or the token is invalid, expired or revoked. */
export class Refused extends Error {}

/** The gateway or its database is unavailable. */
export class Away extends Error {
  constructor(readonly retrySeconds: number | null = null) {
    super("The gateway cannot be reached");
  }
}

/** Any other error, with the gateway's message. */
export class Failed extends Error {}

/** Send a request. Throws `Away`, or `AbortError` if its signal aborts. */
export async function reached(url: string, options: RequestInit): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch (error) {
    if (options.signal?.aborted) throw error;
    throw new Away();
  }
}

/** Return a response unless it is a refusal or an outage. Throws `Refused`, `Away`. */
export function checked(response: Response, tryLater: readonly number[] = TRY_LATER): Response {
  if (response.status === UNAUTHORIZED) throw new Refused();
  if (tryLater.includes(response.status)) throw new Away(retrySeconds(response));
  return response;
}

export function retrySeconds(response: Response): number | null {
  return Number(response.headers.get("Retry-After")) || null;
}
