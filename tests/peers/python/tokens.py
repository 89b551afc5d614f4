"""Verifies and signs tokens with jwcrypto: the same questions and answers as tests/peers/node/tokens.mjs."""

import json
import sys

from jwcrypto import jwk, jws, jwt

KINDS = {
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES384": {"kty": "EC", "crv": "P-384"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "RS256": {"kty": "RSA", "size": 2048},
    "PS256": {"kty": "RSA", "size": 2048},
}


def verify(question):
    keys = jwk.JWKSet.from_json(json.dumps(question["jwks"]))
    expected = {"iss": question["issuer"], "aud": question["audience"], "sub": None, "jti": None, "iat": None}
    try:
        token = jwt.JWT(check_claims=expected, algs=list(KINDS))
        token.leeway = 0
        token.deserialize(question["verify"], keys)
    except (jwt.JWTExpired, jwt.JWTMissingClaim, jwt.JWTInvalidClaimValue, jwt.JWTMissingKey) as fault:
        return {"refused": type(fault).__name__}
    except (jws.InvalidJWSSignature, jws.InvalidJWSObject) as fault:
        return {"refused": type(fault).__name__}
    header = json.loads(token.header)
    if header.get("typ") != question["typ"]:
        return {"refused": "typ"}
    return {"header": header, "claims": json.loads(token.claims)}


def sign(question):
    key = jwk.JWK.generate(alg=question["alg"], use="sig", **KINDS[question["alg"]])
    key.update(kid=key.thumbprint())
    header = {"alg": question["alg"], "kid": key["kid"], "typ": question["typ"]}
    token = jwt.JWT(header=header, claims=question["sign"])
    token.make_signed_token(key)
    return {"token": token.serialize(), "jwks": {"keys": [key.export_public(as_dict=True)]}}


for line in sys.stdin:
    asked = json.loads(line)
    print(json.dumps(verify(asked) if "verify" in asked else sign(asked)), flush=True)
