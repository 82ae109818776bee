// Runs every audit of graphql-http against the endpoint that is named, prints what is not met, and exits with 1 if
// anything is not, recommendations (SHOULD) and options (MAY) included.
import { auditServer } from "graphql-http";

const results = await auditServer({ url: process.argv[2] });
const failed = results.filter((result) => result.status !== "ok");
console.log(
  JSON.stringify({
    audits: results.length,
    failed: failed.map(({ id, name, status, reason }) => ({ id, name, status, reason })),
  }),
);
process.exit(failed.length ? 1 : 0);
