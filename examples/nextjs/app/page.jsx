import Link from "next/link";

export default function HomePage() {
  return (
    <main>
      <h1>Shop</h1>
      <p>
        Arrive through a partner&apos;s link, such as <a href="/?aff=PARTNER123">/?aff=PARTNER123</a>, and{" "}
        <Link href="/signup">sign up</Link>.
      </p>
    </main>
  );
}
