// Asks the gateway's GraphQL API, and tells its refusals apart.

import { PATH } from "../endpoint.ts";
import { token } from "../token.ts";

const UNAUTHORIZED = 401;
const TRY_LATER = [429, 502, 503, 504];

/** The token is not, or no longer, accepted. */
export class Refused extends Error {}

/** The gateway or its database cannot be reached now. */
export class Away extends Error {
  constructor(readonly retrySeconds: number | null = null) {
    super("The gateway cannot be reached");
  }
}

/** Anything else that the gateway says is wrong, in its words. */
export class Failed extends Error {}

export type Variables = Record<string, unknown>;
interface Answer<Data> {
  data?: Data | null;
  errors?: { message: string; extensions?: { code?: string } }[];
}

export function authorization(): Record<string, string> {
  return { Authorization: `Bearer ${token() ?? ""}` };
}

/** Return what may be null where something went wrong, which is told as an error then. */
export function present<Value>(value: Value | null | undefined): Value {
  if (value == null) throw new Failed("The gateway answered without data");
  return value;
}

/** Send an operation and return its data. Throws `Refused`, `Away`, `Failed`, and `AbortError` if told to stop. */
export async function ask<Data>(query: string, variables: Variables = {}, signal?: AbortSignal): Promise<Data> {
  const response = await post(JSON.stringify({ query, variables }), signal);
  if (response.status === UNAUTHORIZED) throw new Refused();
  if (TRY_LATER.includes(response.status)) throw new Away(retrySeconds(response));
  const { data, errors } = await read<Data>(response, signal);
  for (const { message, extensions } of errors ?? []) {
    if (extensions?.code === "UNAUTHENTICATED") throw new Refused();
    if (extensions?.code === "UNAVAILABLE") throw new Away(retrySeconds(response));
    throw new Failed(message);
  }
  return present(data);
}

async function post(body: string, signal?: AbortSignal): Promise<Response> {
  const headers = { Accept: "application/json", "Content-Type": "application/json", ...authorization() };
  try {
    return await fetch(PATH, { method: "POST", headers, body, signal: signal ?? null });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Away();
  }
}

async function read<Data>(response: Response, signal?: AbortSignal): Promise<Answer<Data>> {
  try {
    return (await response.json()) as Answer<Data>;
  } catch (error) {
    if (signal?.aborted) throw error;
    // What a proxy says, or half an answer.
    throw new Away();
  }
}

function retrySeconds(response: Response): number | null {
  return Number(response.headers.get("Retry-After")) || null;
}
