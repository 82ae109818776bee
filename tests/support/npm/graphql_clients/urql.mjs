// Talks to a gateway as a dashboard in a browser would: urql for queries and mutations, with graphql-ws for the
// subscription. Prints what was answered once a click has arrived.
import { Client, fetchExchange, gql, subscriptionExchange } from "@urql/core";
import { createClient } from "graphql-ws";
import WebSocket from "ws";

const [url, token] = process.argv.slice(2);
const authorization = { Authorization: `Bearer ${token}` };
const sockets = createClient({
  url: url.replace("http", "ws"),
  webSocketImpl: WebSocket,
  connectionParams: authorization,
});
const client = new Client({
  url,
  preferGetMethod: false,
  fetchOptions: { headers: authorization },
  exchanges: [
    fetchExchange,
    subscriptionExchange({
      forwardSubscription: ({ query, variables }) => ({
        subscribe: (sink) => ({ unsubscribe: sockets.subscribe({ query, variables }, sink) }),
      }),
    }),
  ],
});

const links = gql`query ($first: Int) { referralLinks(first: $first) { nodes { code program { name } } } }`;
const create = gql`mutation ($input: CreateProgramInput!) {
  createProgram(input: $input) { program { name cookieWindowDays } userErrors { field code } }
}`;
const clicks = gql`subscription { clickTracked { pageTitle referralLink { code } } }`;

function answer({ data, error }) {
  if (error) throw error;
  return data;
}

const query = answer(await client.query(links, { first: 5 }));
const created = answer(await client.mutation(create, { input: { name: "From urql", cookieWindowDays: 7 } }));
const refused = answer(await client.mutation(create, { input: { name: "" } }));
const arrived = await new Promise((resolve) => {
  const { unsubscribe } = client.subscription(clicks, {}).subscribe((result) => {
    resolve(result);
    setImmediate(() => unsubscribe());
  });
});
console.log(JSON.stringify({ query, created, refused, arrived: answer(arrived) }));
await sockets.dispose();
