"""Validates access tokens with authlib, as a resource server does that goes by RFC 9068 §4.

A question and an answer per line, in JSON:
  {"verify": token, "jwks": set, "issuer": text, "audience": text, "scopes": [text]}
    -> {"header": …, "claims": …} or {"refused": error}
"""

import json
import sys

from authlib.oauth2.rfc6750.errors import InsufficientScopeError, InvalidTokenError
from authlib.oauth2.rfc9068 import JWTBearerTokenValidator


class Validator(JWTBearerTokenValidator):
    def __init__(self, question):
        super().__init__(question["issuer"], question["audience"])
        self.jwks = question["jwks"]

    def get_jwks(self):
        return self.jwks


def verify(question):
    validator = Validator(question)
    try:
        token = validator.authenticate_token(question["verify"])
        validator.validate_token(token, question["scopes"], None)
    except (InvalidTokenError, InsufficientScopeError) as fault:
        return {"refused": fault.error}
    return {"header": token.header, "claims": dict(token)}


for line in sys.stdin:
    print(json.dumps(verify(json.loads(line))), flush=True)
