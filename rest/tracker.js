// The tracker: reports a visitor's landing through a referral link, and keeps the answer in first-party cookies.
// Nothing here may throw into the page, so whatever a browser may refuse goes through `attempt`.
(() => {
  "use strict";

  const CLICK_PATH = "/api/v1/track/click";
  const CLICK_COOKIE = "affitor_click_id";
  const URL_COOKIE = "affitor_aff_url";
  const LEGACY_COOKIE = "customer_code";
  const WAITING = "affitor_waiting";
  const SESSION = "affitor_session";
  // A gateway keeps no more of a page's URL; and all that is sent once a page is left must fit into 64 KiB.
  const URL_LENGTH = 2048;
  const WAITING_CLICKS = 9;
  const LONGEST_WAIT_MS = 300000;

  if (window.affitor && affitor.loaded) return;

  const script = document.currentScript || document.querySelector("script[data-affitor-program-id]");
  const data = (script || {}).dataset || {};
  let programId = +data.affitorProgramId || null;
  let debug = data.affitorDebug === "true";
  let apiBase = data.affitorApiBase || attempt(() => new URL(script.src).origin) || location.origin;
  let domain, lastCode;
  let sending = false;
  let failures = 0;
  // What the browser refuses to keep lives here, as long as the page does.
  const memory = {};

  function attempt(action) {
    try {
      return action();
    } catch (error) {
      log(error);
    }
  }

  function log(...words) {
    if (debug) console.log("[Affitor]", ...words);
  }

  function codeOf(url) {
    return url && attempt(() => new URL(url).searchParams.get("aff"));
  }

  function cookie(name) {
    const found = memory[name] || attempt(() => ("; " + document.cookie).split("; " + name + "=")[1]) || "";
    const value = found.split(";")[0];
    return attempt(() => decodeURIComponent(value)) || value || null;
  }

  function setCookie(name, value, maxAge, where) {
    const secure = location.protocol === "https:" ? "; Secure" : "";
    document.cookie = name + "=" + value + "; Max-Age=" + maxAge + "; Path=/; SameSite=Lax" + secure + where;
  }

  // The broadest domain that the browser takes: it knows which ones are not to be shared, such as co.uk.
  function broadest() {
    const labels = /^[\d.]+$/.test(location.hostname) ? [] : location.hostname.split(".");
    for (let count = 2; count <= labels.length; count++) {
      const where = "; Domain=" + labels.slice(-count).join(".");
      setCookie("affitor_probe", 1, 9, where);
      const taken = /affitor_probe/.test(document.cookie);
      setCookie("affitor_probe", "", 0, where);
      if (taken) return where;
    }
    return "";
  }

  function keepCookie(name, value, maxAge) {
    delete memory[name];
    attempt(() => {
      if (domain === undefined) domain = broadest();
      // One of this host alone, left by another tracker, would be read in place of the domain's.
      if (domain) setCookie(name, "", 0, "");
      setCookie(name, encodeURIComponent(value), maxAge, domain);
    });
    if (cookie(name) !== value) memory[name] = encodeURIComponent(value);
  }

  const clickId = () => cookie(CLICK_COOKIE) || cookie(LEGACY_COOKIE);
  const affiliateUrl = () => cookie(URL_COOKIE);

  // sessionStorage outlives the page, and ends with the tab.
  function load(key) {
    return memory[key] || attempt(() => sessionStorage.getItem(key));
  }

  function save(key, value) {
    memory[key] = value;
    attempt(() => {
      sessionStorage.setItem(key, value);
      delete memory[key];
    });
    return value;
  }

  function waiting() {
    return attempt(() => JSON.parse(load(WAITING) || "[]").filter((click) => click.event_id)) || [];
  }

  // RFC 9562, version 7: a moment, then randomness.
  function uuid() {
    const random = crypto.getRandomValues(new Uint8Array(10));
    random[0] = (random[0] & 15) | 112;
    random[2] = (random[2] & 63) | 128;
    let digits = Date.now().toString(16).padStart(12, "0");
    random.forEach((byte) => (digits += (256 + byte).toString(16).slice(1)));
    return digits.replace(/(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
  }

  function visit(href, additional_data) {
    const url = href.split("#")[0];
    return {
      event_id: uuid(),
      affiliate_url: url,
      page_url: url.split("?")[0],
      page_title: document.title.slice(0, 512),
      referrer_url: document.referrer,
      session_id: load(SESSION) || save(SESSION, "sess_" + uuid()),
      screen_resolution: screen.width + "x" + screen.height,
      viewport_size: innerWidth + "x" + innerHeight,
      language: navigator.language,
      timezone: attempt(() => Intl.DateTimeFormat().resolvedOptions().timeZone),
      additional_data,
    };
  }

  // Resolves with the gateway's last word; rejects where sending again may help. Text needs no preflight.
  async function post(click) {
    const response = await fetch(apiBase.replace(/\/+$/, "") + CLICK_PATH, {
      method: "POST",
      body: JSON.stringify(click),
      keepalive: true,
      credentials: "omit",
    });
    if (response.status === 429 || response.status > 499) throw response;
    return response.json();
  }

  // Sends the clicks that wait, one after the other: each names the customer of the one before.
  async function send() {
    const click = waiting()[0];
    if (sending || !click) return;
    sending = true;
    let pause = 0;
    try {
      settle(click, await post({ ...click, existing_click_id: clickId() }));
      failures = 0;
    } catch (failure) {
      log("click not sent, trying again", failure);
      pause = Math.min(1000 * 2 ** failures++, LONGEST_WAIT_MS) * (1 + Math.random() / 2);
      pause = Math.max(pause, attempt(() => failure.headers.get("Retry-After") * 1000) || 0);
    }
    setTimeout(() => {
      sending = false;
      send();
    }, pause);
  }

  function settle(click, answer) {
    const clicks = waiting();
    const left = clicks.filter((other) => other.event_id !== click.event_id);
    log("click answered", answer);
    // Otherwise another page of this tab was faster, and may have moved on.
    if (left.length < clicks.length && answer.click_id) {
      keepCookie(CLICK_COOKIE, answer.click_id, answer.cookie_window_days * 86400);
      keepCookie(URL_COOKIE, click.affiliate_url, answer.cookie_window_days * 86400);
    }
    save(WAITING, JSON.stringify(left));
  }

  // A landing is a code that the page's URL did not have before, other than the one that the visitor came with last.
  function land(url) {
    const code = codeOf(url);
    if (code === lastCode) return;
    lastCode = code;
    const clicks = waiting();
    const [last] = clicks.slice(-1);
    if (!code || code === codeOf(last ? last.affiliate_url : clickId() && affiliateUrl())) return;
    const click = visit(url.length > URL_LENGTH ? location.origin + "/?aff=" + encodeURIComponent(code) : url);
    log("landing", click);
    save(WAITING, JSON.stringify([...clicks, click].slice(-WAITING_CLICKS)));
    send();
  }

  const look = () => attempt(() => land(location.href));

  function start() {
    // An app may have cleaned its URL before this script arrived; the browser remembers the one it navigated to.
    const entry = attempt(() => performance.getEntriesByType("navigation")[0].name);
    attempt(() => land(codeOf(location.href) ? location.href : entry));
    look();
    send();
  }

  function watch(name) {
    const original = history[name];
    history[name] = function () {
      const result = original.apply(this, arguments);
      look();
      return result;
    };
  }

  const call = (entry) => attempt(() => affitor[entry[0]](...entry.slice(1)));

  window.affitor = {
    loaded: true,
    get programId() {
      return programId;
    },
    get debugMode() {
      return debug;
    },
    get clickId() {
      return clickId();
    },
    get affiliateUrl() {
      return affiliateUrl();
    },
    get hasAffiliateAttribution() {
      return !!clickId();
    },
    getClickId: clickId,
    getData: () => ({ clickId: clickId(), programId, hasAttribution: !!clickId(), affiliateUrl: affiliateUrl() }),
    init(options) {
      ({ programId = programId, debug = debug, apiBase = apiBase } = options || {});
      programId = +programId || null;
    },
    async trackTest(more) {
      try {
        const answer = await post(visit(location.href, { ...more, test_mode: true, program_id: programId }));
        log("test click answered", answer);
        return answer;
      } catch (failure) {
        log("test click not sent", failure);
      }
    },
  };

  attempt(() => {
    const queue = window.affitorQueue || [];
    window.affitorQueue = { push: call };
    queue.forEach(call);
  });
  attempt(() => watch("pushState"));
  attempt(() => watch("replaceState"));
  addEventListener("popstate", look);
  // A page that the browser fetches ahead has no visitor yet.
  if (document.prerendering) document.addEventListener("prerenderingchange", start, { once: true });
  else start();
})();
