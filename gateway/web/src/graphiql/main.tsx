// GraphiQL for the gateway's own API, with a token field and example queries.

import { explorerPlugin } from "@graphiql/plugin-explorer";
import { HISTORY_PLUGIN } from "@graphiql/plugin-history";
import { GraphiQL } from "graphiql";
import { createRoot } from "react-dom/client";
import { examples } from "./examples.ts";
import { fetcher } from "./fetcher.ts";
import { TokenField } from "./token-field.tsx";
import "./workers.ts";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./graphiql.css";

const plugins = [HISTORY_PLUGIN, explorerPlugin()];

createRoot(document.getElementById("root")!).render(
  <GraphiQL fetcher={fetcher} plugins={plugins} defaultTabs={examples} isHeadersEditorEnabled={false}>
    <GraphiQL.Logo>
      <TokenField />
    </GraphiQL.Logo>
  </GraphiQL>,
);
