// The peer of the dashboards: PostGraphile as one runs it in production, on DATABASE_URL, listening on PORT of loopback.
import { createServer } from "node:http";
import { postgraphile } from "postgraphile";
import { makePgService } from "postgraphile/adaptors/pg";
import { grafserv } from "postgraphile/grafserv/node";
import { PostGraphileAmberPreset } from "postgraphile/presets/amber";

const CONNECTIONS = 20;

const service = makePgService({
  connectionString: process.env.DATABASE_URL,
  schemas: ["public"],
  pubsub: false,
  poolConfig: { max: CONNECTIONS },
});
const graphql = postgraphile({
  extends: [PostGraphileAmberPreset],
  // Every column may be filtered and sorted by; what the queries need has an index.
  disablePlugins: ["PgIndexBehaviorsPlugin"],
  pgServices: [service],
  grafserv: { graphiql: false, websockets: false, watch: false },
  grafast: { explain: false },
});

const server = createServer();
await graphql.createServ(grafserv).addTo(server);
server.listen(Number(process.env.PORT), "127.0.0.1");
process.on("SIGTERM", () => process.exit(0));
