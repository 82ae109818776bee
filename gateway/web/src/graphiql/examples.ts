// The example queries, one for each of the initial tabs.

import documents from "./examples.graphql";

export const examples = documents.split(/\n\n(?=query )/).map((query) => ({ query: query.trim() }));
