// A client of an identity provider: `openid-client`, with `dpop` for proofs at others.
//
// The first line of its input is its settings, the first of its output `{"jkt": …, "jwks": …}`: the thumbprint of its key
// for proofs of possession, and the key for authenticating itself. Then a line each way; where the other side refuses,
// `{"refused": error, "status": …}`:
//   {"do": "connect", …}                         -> {} once it has read the issuer's metadata; with settings, at another issuer
//                                                   from then on, with the same key for proofs
//   {"do": "sign-in", as, details?, resource?, acr?}  -> the token endpoint's answer, by authorization code
//   {"do": "refresh", refresh_token, …}          -> the same by a refresh token
//   {"do": "client-credentials", details?, resource?}  -> the same for itself
//   {"do": "grant", type, parameters}            -> the same by any grant
//   {"do": "introspect", token}, {"do": "revoke", token}
//   {"do": "verify", token, audience, algorithm} -> {"header", "claims", "issuer", "jwks"}, by what the issuer publishes
//   {"do": "proof", method, url, token?, nonce?} -> {"proof": …}
//
// Settings: issuer, client_id, ca, certificate?, key? (files), auth: none|mtls|jwt, dpop: whether tokens are bound to its
// key, algorithm: of that key, to?: where hosts are, discovery?: `oauth2` for the metadata of RFC 8414.
import { createInterface } from 'node:readline';
import * as jose from 'jose';
import * as dpop from 'dpop';
import * as oauth from 'openid-client';
import { fetchWith } from './https.mjs';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
const redirect = 'https://app.example/back';
let fetch = fetchWith(settings);
const pair = await dpop.generateKeyPair(settings.algorithm ?? 'ES256', { extractable: true });
const own = await jose.generateKeyPair('ES256', { extractable: true });
const jwk = { ...await jose.exportJWK(own.publicKey), alg: 'ES256', use: 'sig', kid: 'own' };
let configuration;
let handle;

// Goes where the provider sends a browser, cookies and all, until it is sent back to the app.
async function browse(url) {
  const jar = new Map();
  for (let step = 0; step < 20; step += 1) {
    const answer = await fetch(url, { headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; ') } });
    for (const cookie of answer.headers.getSetCookie()) {
      const [name, ...value] = cookie.split(';')[0].split('=');
      jar.set(name, value.join('='));
    }
    const next = answer.headers.get('location');
    if (!next) throw Object.assign(new Error(await answer.text()), { error: 'no_redirect', status: answer.status });
    url = new URL(next, url);
    if (url.href.startsWith(redirect)) return url;
  }
  throw new Error('redirected for ever');
}

const asked = ({ details, resource }) => ({
  ...(resource && { resource }),
  ...(details && { authorization_details: JSON.stringify(details) }),
});
const options = () => (settings.dpop ? { DPoP: handle } : undefined);

const deeds = {
  connect: async (told) => {
    const at = { ...settings, ...told };
    fetch = fetchWith(at);
    const authentication = { none: oauth.None, mtls: oauth.TlsClientAuth, jwt: () => oauth.PrivateKeyJwt({ key: own.privateKey, kid: 'own' }) };
    const metadata = { use_mtls_endpoint_aliases: false, ...(at.auth === 'mtls' && { tls_client_certificate_bound_access_tokens: true }) };
    configuration = await oauth.discovery(new URL(at.issuer), at.client_id, metadata,
      authentication[at.auth](), { [oauth.customFetch]: fetch, algorithm: at.discovery ?? 'oidc' });
    configuration[oauth.customFetch] = fetch;
    handle = oauth.getDPoPHandle(configuration, pair);
    return {};
  },
  'sign-in': async (told) => {
    const verifier = oauth.randomPKCECodeVerifier();
    const state = oauth.randomState();
    const url = oauth.buildAuthorizationUrl(configuration, {
      redirect_uri: redirect,
      scope: 'openid doors',
      code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
      state,
      login_hint: told.as,
      ...(told.acr && { acr_values: told.acr }),
      ...asked(told),
    });
    const back = await browse(url);
    return oauth.authorizationCodeGrant(configuration, back, { pkceCodeVerifier: verifier, expectedState: state },
      told.resource ? { resource: told.resource } : undefined, options());
  },
  refresh: (told) => oauth.refreshTokenGrant(configuration, told.refresh_token, asked(told), options()),
  'client-credentials': (told) => oauth.clientCredentialsGrant(configuration, { scope: 'doors', ...asked(told) }, options()),
  grant: (told) => oauth.genericGrantRequest(configuration, told.type, new URLSearchParams(told.parameters), options()),
  introspect: ({ token }) => oauth.tokenIntrospection(configuration, token),
  revoke: async ({ token }) => {
    await oauth.tokenRevocation(configuration, token);
    return {};
  },
  verify: async ({ token, audience, algorithm }) => {
    const { issuer, jwks_uri: place } = configuration.serverMetadata();
    const keys = jose.createRemoteJWKSet(new URL(place), { [jose.customFetch]: fetch });
    const requiredClaims = ['sub', 'client_id', 'iat', 'exp', 'jti', 'cnf'];
    const verified = await jose.jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: [algorithm], requiredClaims });
    return { header: verified.protectedHeader, claims: verified.payload, issuer, jwks: keys.jwks() };
  },
  proof: async ({ method, url, token, nonce }) => ({ proof: await dpop.generateProof(pair, url, method, nonce ?? undefined, token ?? undefined) }),
};

console.log(JSON.stringify({ jkt: await dpop.calculateThumbprint(pair.publicKey), jwks: { keys: [jwk] } }));
for await (const line of lines) {
  const told = JSON.parse(line);
  try {
    console.log(JSON.stringify(await deeds[told.do](told)));
  } catch (error) {
    if (!error.error && !error.code) throw error;
    console.log(JSON.stringify({ refused: error.error ?? error.code, status: error.status, why: error.error_description ?? error.message ?? error.cause?.message }));
  }
}
