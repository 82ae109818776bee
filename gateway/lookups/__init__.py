"""What a click's headers and address tell: device, browser, bot, place."""
