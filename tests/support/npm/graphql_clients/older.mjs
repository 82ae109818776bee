// Reads the schema as older clients and their code generators do: with their own introspection query, into their own
// model, and back into the answer of a query. Prints the SDL that each makes of it.
const [url] = process.argv.slice(2);
const printed = {};
for (const name of ["graphql-14", "graphql-16.8"]) {
  const { buildClientSchema, getIntrospectionQuery, introspectionFromSchema, printSchema } = await import(name);
  const response = await fetch(url, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ query: getIntrospectionQuery() }),
  });
  const { data } = await response.json();
  const schema = buildClientSchema(data);
  printed[name] = printSchema(buildClientSchema(introspectionFromSchema(schema)));
}
console.log(JSON.stringify(printed));
