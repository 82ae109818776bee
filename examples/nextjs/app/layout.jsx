import Script from "next/script";

export const metadata = { title: "Shop" };

// `NEXT_PUBLIC_…` is compiled into the pages, so set it for `next build`. Alone, this talks to `make demo`.
const gateway = process.env.NEXT_PUBLIC_CLICKGATE_URL ?? "http://127.0.0.1:8000";

export default function RootLayout({ children }) {
  return (
    <html lang="en">
      <body>
        {children}
        {/* In the root layout, the script is loaded once for the whole visit. It notices navigations by itself, and
            finds the referral link's code even if the page has cleaned its URL by then, so it need not hold up
            hydration. */}
        <Script
          src={`${gateway}/js/affitor-tracker.js`}
          strategy="afterInteractive"
          data-affitor-program-id="1"
        />
      </body>
    </html>
  );
}
