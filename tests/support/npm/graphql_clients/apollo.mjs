// Talks to a gateway as a client of Apollo's does that sends hashes of queries first: by POST and by GET, and over a
// WebSocket. Prints what was answered, and how many requests the first and the second query of a client took.
import { ApolloClient, HttpLink, InMemoryCache, gql } from "@apollo/client";
import { PersistedQueryLink } from "@apollo/client/link/persisted-queries";
import { GraphQLWsLink } from "@apollo/client/link/subscriptions";
import { createHash } from "node:crypto";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, token] = process.argv.slice(2);
const headers = { Authorization: `Bearer ${token}` };
const sha256 = (text) => createHash("sha256").update(text).digest("hex");
const links = gql`query Links($first: Int) { referralLinks(first: $first) { nodes { code program { name } } } }`;

function clientOf(link) {
  return new ApolloClient({ cache: new InMemoryCache(), link, defaultOptions: { query: { fetchPolicy: "no-cache" } } });
}

async function persisted(useGETForHashedQueries) {
  const methods = [];
  const counted = (address, options) => {
    methods.push(options.method);
    return fetch(address, options);
  };
  const http = new HttpLink({ uri: url, headers, fetch: counted });
  const client = clientOf(new PersistedQueryLink({ sha256, useGETForHashedQueries }).concat(http));
  const first = await client.query({ query: links, variables: { first: 5 } });
  const methodsOfFirst = methods.splice(0);
  const second = await client.query({ query: links, variables: { first: 5 } });
  return { data: [first.data, second.data], methods: [methodsOfFirst, methods] };
}

const sockets = createClient({
  url: url.replace("http", "ws"),
  webSocketImpl: WebSocket,
  connectionParams: { headers },
});
const overSocket = clientOf(new PersistedQueryLink({ sha256 }).concat(new GraphQLWsLink(sockets)));
const { data } = await overSocket.query({ query: links, variables: { first: 5 } });
await sockets.dispose();
console.log(JSON.stringify({ post: await persisted(false), get: await persisted(true), socket: data }));
