// New clicks, streamed over graphql-transport-ws. A lost connection is opened again.

import { createClient, type Client } from "graphql-ws";
import { socketUrl } from "../../endpoint.ts";
import { WATCH, type Click, type WatchData } from "./queries.ts";

export type LiveState = "connecting" | "live" | "lost";

export interface Listener {
  click(click: Click): void;
  state(state: LiveState): void;
  /** Called on every connection: clicks recorded while there was none were not streamed. */
  missed(): void;
  refused(): void;
}

const FORBIDDEN = 4403;
/** A socket that leaves a ping unanswered is dead, even if it was never closed. */
const PING_MS = 15_000;
const PONG_MS = 5_000;
const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 15_000;

/** Watches new clicks until stopped, limited to a program and a link where given. */
export class Watch {
  private readonly client: Client;
  private wasConnected = false;
  private isDone = false;
  private pong: number | undefined;
  private unsubscribe = () => {};

  constructor(
    readonly program: string | null,
    readonly link: string | null,
    private readonly listener: Listener,
  ) {
    this.client = createClient({
      url: socketUrl(),
      keepAlive: PING_MS,
      retryAttempts: Infinity,
      retryWait: (retries) => wait(Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** retries) * (0.75 + Math.random() / 2)),
      shouldRetry: (event) => !isRefusal(event),
      on: {
        connected: () => this.connected(),
        ping: (isReceived) => isReceived || this.expectPong(),
        pong: () => clearTimeout(this.pong),
        closed: (event) => this.closed(event),
      },
    });
    this.subscribe();
  }

  stop(): void {
    this.isDone = true;
    this.unsubscribe();
    // Rejected if a connection was to be opened again, which nobody waits for any more.
    Promise.resolve(this.client.dispose()).catch(() => {});
  }

  private subscribe(): void {
    const operation = { query: WATCH, variables: { program: this.program, link: this.link } };
    this.unsubscribe = this.client.subscribe<WatchData>(operation, {
      next: ({ data }) => data && this.listener.click(data.clickTracked),
      error: (error) => (isRefusal(error) && !this.isDone ? this.listener.refused() : void this.again()),
      complete: () => void this.again(),
    });
  }

  /** The server may end the subscription and keep the connection open, for example when it loses its database. */
  private async again(): Promise<void> {
    if (this.isDone) return;
    this.listener.state("lost");
    await wait(LONGEST_WAIT_MS);
    if (!this.isDone) this.subscribe();
  }

  private connected(): void {
    this.wasConnected = true;
    this.listener.state("live");
    this.listener.missed();
  }

  private expectPong(): void {
    this.pong = window.setTimeout(() => this.client.terminate(), PONG_MS);
  }

  private closed(event: unknown): void {
    clearTimeout(this.pong);
    if (!this.isDone && !isRefusal(event)) this.listener.state(this.wasConnected ? "lost" : "connecting");
  }
}

function isRefusal(event: unknown): boolean {
  return (event as { code?: unknown } | null)?.code === FORBIDDEN;
}

function wait(milliseconds: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, milliseconds));
}
