"""A click that counts: what is answered, stored and counted (the specification's *Success*)."""

import re

from tests.gateways import Gateway, body_of

SEED_EXAMPLE = {
    "affiliate_url": "https://yoursite.com/pricing?aff=PARTNER123",
    "page_url": "https://yoursite.com/pricing",
    "page_title": "Pricing — YourSite",
    "referrer_url": "https://blog.example.com/post",
    "session_id": "sess_abc123",
    "screen_resolution": "1920x1080",
    "viewport_size": "1280x800",
    "language": "en-US",
    "timezone": "America/New_York",
}


async def test_the_documented_example_is_answered_as_documented(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    answer = await gateway.track(None, **SEED_EXAMPLE)
    assert answer.status_code == 200
    body = body_of(answer)
    assert re.fullmatch(r"cust_[1-9][0-9]*_[0-9]{13}", body.pop("click_id"))
    assert body == {"success": True, "partner_code": "PARTNER123", "cookie_window_days": 60}


async def test_every_field_sent_is_kept_on_the_event(gateway: Gateway) -> None:
    await gateway.link("PARTNER123")
    answer = await gateway.track(None, **SEED_EXAMPLE)
    (event,) = await gateway.events()
    assert {name: event[name] for name in SEED_EXAMPLE} == SEED_EXAMPLE
    assert event["click_id"] == body_of(answer)["click_id"]
    assert event["referrer_host"] == "blog.example.com"
