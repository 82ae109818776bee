"""Lookups that enrich a click: device, browser and bot from the user agent, location from the address."""
