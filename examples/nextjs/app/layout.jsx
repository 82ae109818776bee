import Script from "next/script";

export const metadata = { title: "Shop" };

// Set it for `next build`, which compiles it into the pages. The default is the gateway of `make demo`.
const gateway = process.env.NEXT_PUBLIC_CLICKGATE_URL ?? "http://127.0.0.1:8000";

export default function RootLayout({ children }) {
  return (
    <html lang="en">
      <body>
        {children}
        {/* In the root layout, the script loads once and stays; it notices navigations by itself. It also finds the
            referral link's code if the app has cleaned the URL by then, so it need not load before hydration. */}
        <Script
          src={`${gateway}/js/affitor-tracker.js`}
          strategy="afterInteractive"
          data-affitor-program-id="1"
        />
      </body>
    </html>
  );
}
