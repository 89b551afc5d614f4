// Verifies and signs tokens with `jose`: a question and an answer per line, in JSON.
//   {"verify": token, "jwks": set, "issuer": text, "audience": text, "typ": text, "now": seconds}
//     -> {"header": …, "claims": …} or {"refused": code}
//   {"sign": claims, "alg": name, "typ": text}  -> {"token": token, "jwks": set}
import { createInterface } from 'node:readline';
import * as jose from 'jose';

async function verify({ verify: token, jwks, issuer, audience, typ, now }) {
  try {
    const verified = await jose.jwtVerify(token, jose.createLocalJWKSet(jwks), {
      issuer,
      audience,
      typ,
      currentDate: new Date(now * 1000),
      requiredClaims: ['iss', 'aud', 'sub', 'iat', 'exp', 'jti'],
    });
    return { header: verified.protectedHeader, claims: verified.payload };
  } catch (error) {
    if (!error.code) throw error;
    return { refused: error.code };
  }
}

async function sign({ sign: claims, alg, typ }) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const jwk = await jose.exportJWK(publicKey);
  const kid = await jose.calculateJwkThumbprint(jwk);
  const token = await new jose.SignJWT(claims).setProtectedHeader({ alg, kid, typ }).sign(privateKey);
  return { token, jwks: { keys: [{ ...jwk, kid, alg, use: 'sig' }] } };
}

for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line);
  console.log(JSON.stringify('verify' in question ? await verify(question) : await sign(question)));
}
