// Clicks as they are recorded, over graphql-transport-ws. The connection is made again whenever it is lost.

import { createClient } from "graphql-ws";
import { PATH, authorization } from "./api.ts";
import { WATCH, type Click, type WatchData } from "./queries.ts";

export type LiveState = "connecting" | "live" | "lost";

export interface Listener {
  click(click: Click): void;
  state(state: LiveState): void;
  /** Connected, perhaps again: what came before was not told. */
  missed(): void;
  refused(): void;
}

const FORBIDDEN = 4403;
/** A socket on which nothing moves for so long is dead, though nobody said so. */
const PING_MS = 15_000;
const PONG_MS = 5_000;
const LONGEST_WAIT_MS = 15_000;

/** Watch the clicks of a program and of a link, if those are named, and return what ends it. */
export function watch(program: string | null, link: string | null, listener: Listener): () => void {
  let wasConnected = false;
  let isDone = false;
  let pong: number | undefined;
  const client = createClient({
    url: location.origin.replace(/^http/, "ws") + PATH,
    connectionParams: authorization,
    keepAlive: PING_MS,
    retryAttempts: Infinity,
    retryWait: (retries) => wait(Math.min(LONGEST_WAIT_MS, 500 * 2 ** retries) * (0.75 + Math.random() / 2)),
    shouldRetry: (event) => !isRefusal(event),
    on: {
      connected: () => {
        listener.state("live");
        listener.missed();
        wasConnected = true;
      },
      ping: (received) => {
        if (!received) pong = window.setTimeout(() => client.terminate(), PONG_MS);
      },
      pong: (received) => {
        if (received) clearTimeout(pong);
      },
      closed: (event) => {
        clearTimeout(pong);
        if (!isDone && !isRefusal(event)) listener.state(wasConnected ? "lost" : "connecting");
      },
    },
  });
  let stop = () => {};
  // An operation may end though the connection holds, as when the database goes away.
  const again = async () => {
    listener.state("lost");
    await wait(LONGEST_WAIT_MS);
    if (!isDone) subscribe();
  };
  function subscribe() {
    stop = client.subscribe<WatchData>(
      { query: WATCH, variables: { program, link } },
      {
        next: ({ data }) => data && listener.click(data.clickTracked),
        error: (error) => (isRefusal(error) ? listener.refused() : void again()),
        complete: () => isDone || void again(),
      },
    );
  }
  subscribe();
  return () => {
    isDone = true;
    stop();
    void client.dispose();
  };
}

function isRefusal(event: unknown): boolean {
  return (event as { code?: unknown } | null)?.code === FORBIDDEN;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
