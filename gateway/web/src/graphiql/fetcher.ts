// Sends GraphiQL's operations with the token of the field, or with the session: over HTTP, and over a WebSocket for subscriptions.

import type { Fetcher, FetcherParams } from "@graphiql/toolkit";
import { getOperationAST, parse, type ExecutionResult } from "graphql";
import { createClient } from "graphql-ws";
import { PATH, socketUrl } from "../endpoint.ts";
import { token } from "./token.ts";

/** The close code for an invalid token, after which a retry would not help. */
const FORBIDDEN = 4403;

const sockets = createClient({
  url: socketUrl(),
  connectionParams: authorization,
  shouldRetry: (event) => (event as CloseEvent).code !== FORBIDDEN,
});

export const fetcher: Fetcher = (given) => {
  const params = withItsName(given);
  return isSubscription(params) ? subscribed(params) : posted(params);
};

function authorization(): Record<string, string> {
  const secret = token();
  return secret === null ? {} : { Authorization: `Bearer ${secret}` };
}

async function posted(params: FetcherParams) {
  const headers = { Accept: "application/json", "Content-Type": "application/json", ...authorization() };
  const response = await fetch(PATH, { method: "POST", headers, body: JSON.stringify(params) });
  return response.json();
}

async function* subscribed({ query, variables, operationName }: FetcherParams): AsyncGenerator<ExecutionResult> {
  try {
    const results = sockets.iterate({ query, variables, operationName: operationName ?? null });
    yield* results as AsyncIterable<ExecutionResult>;
  } catch (error) {
    if (error instanceof CloseEvent) throw new Error(`The WebSocket was closed: ${error.code} ${error.reason}`);
    throw error;
  }
}

// The editor's own parse result lags behind fast typing, and behind a change of tabs: so what is actually sent is parsed.
function operationOf({ query, operationName }: FetcherParams) {
  try {
    return getOperationAST(parse(query), operationName);
  } catch {
    return undefined;
  }
}

/** Drops a name that no operation of the document has: that of the former tab's. */
function withItsName(params: FetcherParams): FetcherParams {
  return params.operationName && operationOf(params) === null ? { ...params, operationName: null } : params;
}

function isSubscription(params: FetcherParams): boolean {
  return operationOf(params)?.operation === "subscription";
}
