// How GraphiQL asks: over HTTP, and over a WebSocket for subscriptions, with the token of the moment.

import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { createClient } from "graphql-ws";
import { token } from "../token.ts";

const PATH = "/graphql";
/** The server closes a socket so when it does not know the token; asking again would not help. */
const FORBIDDEN = 4403;

function authorization(): Record<string, string> {
  const secret = token();
  return secret === null ? {} : { Authorization: `Bearer ${secret}` };
}

export const fetcher = createGraphiQLFetcher({
  url: PATH,
  fetch: (url, options) => fetch(url, { ...options, headers: { ...options?.headers, ...authorization() } }),
  wsClient: createClient({
    url: location.origin.replace(/^http/, "ws") + PATH,
    connectionParams: authorization,
    shouldRetry: (event) => (event as CloseEvent).code !== FORBIDDEN,
  }),
});
