"""Makes `json_web_signature.json` beside it from Project Wycheproof's file of that purpose.

    git clone https://github.com/C2SP/wycheproof && cd wycheproof && git checkout dac1dd4729fd
    python3 json_web_signature.py testvectors_v1/json_web_signature_test.json > json_web_signature.json

The vectors are Project Wycheproof's (Apache-2.0), word for word. Left out are the private keys, among them all keys of HMAC,
whose vectors are kept without one: what is no compact form, or is signed by nobody whom we know, is refused whoever signed it.
"""

import json
import sys

PRIVATE = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"}


def public(group):
    """The public key of a group; none where the only key is a secret that both sides know."""
    key = group.get("public")
    if key is None:
        assert group["private"]["kty"] == "oct", group["comment"]
        return None
    assert not PRIVATE & key.keys(), group["comment"]
    return key


def written(value):
    return json.dumps(value, ensure_ascii=True, separators=(",", ":"))


groups = json.load(open(sys.argv[1], encoding="utf-8"))["testGroups"]
print('{"source":"https://github.com/C2SP/wycheproof dac1dd4729fd testvectors_v1/json_web_signature_test.json",')
print('"licence":"Apache-2.0","members":["tcId","comment","result","jws"],"groups":[')
for number, group in enumerate(groups):
    print(f'{{"comment":{written(group["comment"])},"jwk":{written(public(group))},"tests":[')
    rows = [written([test["tcId"], test["comment"], test["result"], test["jws"]]) for test in group["tests"]]
    print(",\n".join(rows))
    print("]}" + ("," if number + 1 < len(groups) else ""))
print("]}")
