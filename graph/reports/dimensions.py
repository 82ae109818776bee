"""The dimensions of reports: what clicks and conversions are told apart by."""

from enum import StrEnum

from db.segments import questions


class Dimension(StrEnum):
    """A dimension, by its name in questions put to segments. Apart from subjects and times, that is the name of the
    column of its values."""

    PROGRAM = questions.PROGRAM
    PARTNER = questions.PARTNER
    LINK = questions.LINK
    LANDING_PAGE = "landing_page"
    REFERRER_HOST = "referrer_host"
    REFERRER = "referrer"
    COUNTRY = "country"
    REGION = "region"
    CITY = "city"
    LANGUAGE = "language"
    DEVICE_TYPE = "device_type"
    DEVICE_BRAND = "device_brand"
    OS = "os"
    BROWSER = "browser"
    UTM_SOURCE = "utm_source"
    UTM_MEDIUM = "utm_medium"
    UTM_CAMPAIGN = "utm_campaign"
    UTM_TERM = "utm_term"
    UTM_CONTENT = "utm_content"
    SUB1 = "sub1"
    SUB2 = "sub2"
    SUB3 = "sub3"
    SUB4 = "sub4"
    SUB5 = "sub5"
    HOUR_OF_DAY = questions.HOUR_OF_DAY
    DAY_OF_WEEK = questions.DAY_OF_WEEK
