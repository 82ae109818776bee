"""What a token may consist of. The gateway's settings need nothing else of the APIs, which take long to import."""

import re

# RFC 6750, section 2.1.
TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*")
