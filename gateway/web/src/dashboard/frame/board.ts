// The dashboard's frame around its sections: it opens them, loads their data and keeps it current.

import { signOut } from "../../session.ts";
import { Refused, present } from "../api/api.ts";
import { Watch } from "../api/live.ts";
import type { Click, Program, Role, ViewerData } from "../api/queries.ts";
import { Controls } from "../controls/controls.ts";
import { Arrivals } from "../lists/arrivals.ts";
import { isListed } from "../lists/click-match.ts";
import { el } from "../parts/dom.ts";
import type { Asked, Columns } from "../view/asked.ts";
import type { Chosen } from "../view/chosen.ts";
import { afterPress, confinedTo } from "../view/filtering.ts";
import { onlyValue, parameterOf, type Filter } from "../view/filters.ts";
import { Names } from "../view/names.ts";
import type { Desk } from "../view/section.ts";
import { spanOf } from "../view/spans.ts";
import { START, seenIn, type SectionKey, type View } from "../view/view.ts";
import { addressOf, correct, goTo, placeHere } from "./address.ts";
import { header } from "./header.ts";
import { Navigation } from "./navigation.ts";
import { Notice } from "./notice.ts";
import { Outlet } from "./outlet.ts";
import { opened, sectionsFor, type SectionKind } from "./sections.ts";
import { Teller } from "./teller.ts";

// Conversions come without clicks, days end, and the period to compare with moves on.
const IDLE_REFRESH_MS = 2 * 60_000;
export const ENDED = "You are no longer signed in: you signed out in another tab, or the token has expired or was revoked.";

export class Board {
  readonly element: HTMLElement;
  private view!: View;
  private section!: SectionKey;
  private readonly names = new Names();
  /** The parameters of the address that were left out. */
  private ignored: string[] = [];
  /** What the address called a section although there is none. */
  private missing: string | null = null;
  /** Cancels the requests of a view when the user moves on to another. */
  private viewing = new AbortController();
  private isClosed = false;
  private isCounting = false;
  private isStale = false;
  private watch: Watch | null = null;
  private readonly idle: number;
  private readonly columns: Columns;
  private readonly sections: SectionKind[];

  private readonly trouble = new Notice(() => this.load());
  private readonly incoming = new Arrivals((some) => this.add(some), () => this.refresh());
  private readonly fail = (error: unknown) => this.failed(error);
  private readonly teller = new Teller();
  private readonly head: ReturnType<typeof header>;
  private readonly controls: Controls;
  private readonly navigation: Navigation;
  private readonly outlet: Outlet;

  constructor(
    viewer: ViewerData,
    private readonly leave: (why: string | null) => void,
  ) {
    const { role } = viewer.viewer;
    const isPartner = role === "PARTNER";
    const programs = present(viewer.programs).nodes;
    for (const { id, name } of programs) this.names.remember(id, name);
    this.columns = { partner: !isPartner, program: programs.length > 1 };
    this.sections = sectionsFor(isPartner);
    this.head = header(viewer, () => void this.signOut());
    const listed = this.sections.filter(({ isUnlisted }) => !isUnlisted);
    this.navigation = new Navigation(listed, (section) => this.go(section));
    this.controls = new Controls(programs, (patch) => this.change(patch));
    const desk = this.desk(role, programs);
    this.outlet = new Outlet((kind) => opened(kind, desk), this.controls.element, this.trouble.element);
    const parts = [this.outlet.skip, this.head.element, this.navigation.element, this.outlet.element, this.teller.element];
    this.element = el("div", { class: "board" }, ...parts);
    addEventListener("popstate", this.goBack);
    this.idle = window.setInterval(() => document.hidden || this.refresh(), IDLE_REFRESH_MS);
    this.arrive();
  }

  close(): void {
    this.isClosed = true;
    removeEventListener("popstate", this.goBack);
    clearInterval(this.idle);
    this.viewing.abort();
    this.trouble.clear();
    this.incoming.stop();
    this.teller.clear();
    this.watch?.stop();
  }

  focus(): void {
    this.outlet.focus();
  }

  private async signOut(): Promise<void> {
    try {
      await signOut();
    } catch (error) {
      return this.failed(error);
    }
    this.leave(null);
  }

  private desk(role: Role, programs: readonly Program[]): Desk {
    return {
      columns: this.columns,
      isPartner: role === "PARTNER",
      isAdministrator: role === "ADMIN",
      choose: (patch) => this.choose(patch),
      confine: (...chosen) => this.change({ filters: confinedTo(this.view.filters, chosen, this.names) }),
      press: (pressed) => this.press(pressed),
      addressOf: (section, chosen) => addressOf(section, this.viewIn(section, chosen)),
      go: (section, chosen) => this.go(section, chosen),
      fail: this.fail,
      programs,
      rename: (program) => {
        Object.assign(programs.find(({ id }) => id === program.id) ?? {}, program);
        this.names.remember(program.id, program.name);
        if (role === "PROGRAM") this.head.rename(program.name);
      },
      refresh: () => this.refresh(),
      tell: (words, undo) => this.teller.tell(words, undo),
    };
  }

  private readonly goBack = () => {
    const before = this.section;
    this.arrive();
    if (this.section !== before) this.focus();
  };

  /** Show what the address says. */
  private arrive(): void {
    const place = placeHere((section) => this.sections.some(({ key }) => key === section));
    ({ section: this.section, view: this.view, ignored: this.ignored } = place);
    this.missing = place.unknown;
    this.show();
  }

  /** Return the view as another section shows it, with another filter if one is given. */
  private viewIn(section: SectionKey, chosen?: Chosen): View {
    // An order is that of one list, though others may have orders of the same name.
    const sort = section === this.section ? this.view.sort : START.sort;
    const view = seenIn(section, { ...this.view, sort });
    return chosen ? { ...view, filters: confinedTo(view.filters, [chosen], this.names) } : view;
  }

  /** Open another section with the same filters, and with one more if it is given. */
  private go(section: SectionKey, chosen?: Chosen): void {
    const view = this.viewIn(section, chosen);
    if (!this.controls.chips.accepts(view.filters)) return;
    this.view = view;
    this.section = section;
    this.ignored = [];
    this.missing = null;
    goTo(section, this.view);
    this.show();
    this.focus();
    scrollTo(0, 0);
  }

  private change(patch: Partial<View>): void {
    if (patch.filters && !this.controls.chips.accepts(patch.filters)) return;
    // What is shown of another view begins at its start.
    this.view = { ...this.view, page: 1, ...patch };
    this.ignored = [];
    this.missing = null;
    goTo(this.section, this.view);
    this.show();
  }

  private press(pressed: Chosen): void {
    const { filters, all, page } = this.view;
    // A filter on its own dimension leaves a whole ranking as it is.
    const place = pressed.dimension === all && { page };
    this.change({ filters: afterPress(filters, pressed, this.names), ...place });
  }

  /** Change what the section shows of the same view. What is typed makes no history. */
  private choose(patch: Partial<View>): void {
    this.view = { ...this.view, ...patch };
    if ("search" in patch || ("find" in patch && !("all" in patch))) correct(this.section, this.view);
    else goTo(this.section, this.view);
    this.showNavigation();
    void this.outlet.section?.turn?.(this.asked(), patch).catch(this.fail);
  }

  private asked(): Asked {
    const { view, columns, names, viewing } = this;
    return { view, span: spanOf(view), columns, names, signal: viewing.signal };
  }

  private get kind(): SectionKind {
    return this.sections.find(({ key }) => key === this.section)!;
  }

  private show(): void {
    this.follow();
    this.showNavigation();
    this.controls.offer(this.kind.controls);
    this.showControls();
    this.outlet.announce(this.kind);
    this.load();
  }

  private showNavigation(): void {
    this.navigation.show(this.section, (section) => addressOf(section, this.viewIn(section)));
  }

  /** Watch the new clicks of the view, as far as the subscription can tell them apart. */
  private follow(): void {
    const [program, link] = [onlyValue(this.view.filters, "PROGRAM"), onlyValue(this.view.filters, "LINK")];
    if (this.watch?.program !== program || this.watch.link !== link) {
      this.watch?.stop();
      this.watch = new Watch(program, link, {
        click: (click) => this.incoming.add(click),
        state: (state) => this.head.state(state),
        missed: () => this.incoming.missed(),
        refused: () => this.leave(ENDED),
      });
    }
  }

  private showControls(): void {
    this.controls.show(this.view, spanOf(this.view), this.names);
    this.controls.chips.ignore(this.ignored, this.missing);
  }

  /** Hand new clicks to the section, as far as they match the filters. */
  private add(clicks: Click[]): void {
    const { who } = this.view;
    const end = Date.parse(spanOf(this.view).to);
    const belongs = (click: Click) =>
      (who === "all" || click.isBot === (who === "bots")) &&
      isListed(click, this.view) &&
      Date.parse(click.occurredAt) < end;
    this.outlet.section?.add?.(clicks.filter(belongs));
  }

  /** Load everything that the view shows, and cancel what an earlier view was loading. */
  private load(): void {
    this.viewing.abort();
    this.viewing = new AbortController();
    this.element.setAttribute("aria-busy", "true");
    void this.run(true);
  }

  /** Reload what is shown. A refresh during a slow one does not cancel it, but runs after it. */
  private refresh(): void {
    if (this.isCounting) this.isStale = true;
    else void this.run(false);
  }

  private async run(isNew: boolean): Promise<void> {
    const { signal } = this.viewing;
    this.isCounting = true;
    try {
      const section = await this.outlet.open(this.kind, signal);
      if (isNew) await this.loadNames(signal);
      if (!signal.aborted) await section.load(this.asked(), isNew);
      this.trouble.clear();
    } catch (error) {
      if (!signal.aborted) this.failed(error);
    }
    if (signal.aborted) return;
    this.element.setAttribute("aria-busy", "false");
    this.isCounting = false;
    if (this.isStale) this.incoming.missed();
    this.isStale = false;
  }

  /** Look up the names of what the view is filtered by. Filters on what does not exist, or is hidden, are left out. */
  private async loadNames(signal: AbortSignal): Promise<void> {
    if (!this.names.missing(this.view.filters).length) return;
    const wrong = await this.names.load(this.view.filters, signal);
    if (signal.aborted) return;
    if (wrong.length) this.drop(wrong);
    this.showControls();
  }

  private drop(wrong: readonly Filter[]): void {
    const filters = this.view.filters.filter((each) => !wrong.includes(each));
    this.view = { ...this.view, filters };
    this.ignored = [...this.ignored, ...wrong.map((each) => parameterOf(each).join("="))];
    this.follow();
    this.showNavigation();
    correct(this.section, this.view);
  }

  private failed(error: unknown): void {
    // The user has signed out, and someone else may have signed in.
    if (this.isClosed) return;
    if (error instanceof Refused) this.leave(ENDED);
    else if (!(error instanceof DOMException && error.name === "AbortError")) this.trouble.show(error);
  }
}
