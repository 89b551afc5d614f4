// An identity provider: `oidc-provider` over TLS, on a port of the system's choice.
//
// The first line of its input is its settings, the first of its output `{"issuer": …}`; then a line each way:
//   {"do": "jwks"}                 -> the public keys
//   {"do": "rotate"}               -> the same once a new key signs; the one before is still published
//   {"do": "retire"}               -> the same once only the key that signs is published
//   {"do": "register", "client"}   -> {} once that client is known
//   {"do": "seen"}                 -> how often each path was asked for
//
// Settings: certificate, key, client_ca (files); audience; people (claims of each subject's access tokens).
// Whoever asks to sign in as `login_hint` is signed in at once, with everything granted that was asked for.
import { createServer } from 'node:https';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { X509Certificate } from 'node:crypto';
import * as jose from 'jose';
import Provider from 'oidc-provider';

const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const settings = JSON.parse((await lines.next()).value);
const say = (document) => console.log(JSON.stringify(document));
// What the library notes goes where complaints go.
console.info = console.warn = console.error;

async function freshKey() {
  const { privateKey } = await jose.generateKeyPair('ES256', { extractable: true });
  const jwk = await jose.exportJWK(privateKey);
  return { ...jwk, kid: await jose.calculateJwkThumbprint(jwk), alg: 'ES256', use: 'sig' };
}

const kept = new Map();
const details = {
  door_access: { validate: () => undefined },
  barrier_access: { validate: () => undefined },
  house_access: { validate: () => undefined },
};

function configuration(keys) {
  return {
    jwks: { keys },
    clients: [...kept.values()],
    clientAuthMethods: ['none', 'private_key_jwt', 'tls_client_auth'],
    cookies: { keys: ['only for tests'] },
    enabledJWA: {
      idTokenSigningAlgValues: ['ES256'],
      clientAuthSigningAlgValues: ['ES256', 'EdDSA', 'PS256'],
      dPoPSigningAlgValues: ['ES256', 'Ed25519', 'EdDSA'],
    },
    clientDefaults: { id_token_signed_response_alg: 'ES256' },
    claims: { openid: ['sub'], acr: null, auth_time: null },
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      clientCredentials: { enabled: true },
      introspection: { enabled: true, allowedPolicy: () => true },
      revocation: { enabled: true },
      mTLS: {
        enabled: true,
        certificateBoundAccessTokens: true,
        tlsClientAuth: true,
        getCertificate: (ctx) => certificateOf(ctx.req.socket),
        certificateAuthorized: (ctx) => ctx.req.socket.authorized,
        certificateSubjectMatches: (ctx, property, expected) =>
          property === 'tls_client_auth_san_uri'
          && certificateOf(ctx.req.socket)?.subjectAltName.split(', ').includes(`URI:${expected}`),
      },
      resourceIndicators: {
        enabled: true,
        defaultResource: () => settings.audience,
        useGrantedResource: () => true,
        // Tokens for `…/opaque` say nothing by themselves; those for another resource are not for the gateway.
        getResourceServerInfo: (_, resource) => ({
          scope: 'doors',
          audience: resource.endsWith('/opaque') ? settings.audience : resource,
          accessTokenTTL: 300,
          accessTokenFormat: resource.endsWith('/opaque') ? 'opaque' : 'jwt',
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
      richAuthorizationRequests: {
        enabled: true,
        types: details,
        authorizationDetailsForGrantSource: (ctx) => JSON.parse(ctx.oidc.params.authorization_details ?? '[]'),
        authorizationDetailsForAccessToken: (ctx, _, source) =>
          source?.rar ?? JSON.parse(ctx.oidc.params.authorization_details ?? '[]'),
        authorizationDetailsForIntrospection: (_, token) => token.rar,
      },
    },
    extraTokenClaims: (ctx, token) => {
      const code = ctx.oidc.entities.AuthorizationCode;
      return {
        ...settings.people[token.accountId],
        ...(code && { auth_time: code.authTime, acr: code.acr, amr: code.amr }),
      };
    },
    findAccount: (_, id) => settings.people[id] && { accountId: id, claims: () => ({ sub: id }) },
    renderError: (ctx, out) => {
      ctx.body = out;
    },
    interactions: { url: (_, interaction) => `/sign-in/${interaction.uid}` },
    pkce: { required: () => true },
    ttl: { AccessToken: 300, ClientCredentials: 300, AuthorizationCode: 60, IdToken: 300, Interaction: 60, Session: 600, Grant: 600 },
  };
}

const certificateOf = (socket) => {
  const der = socket.getPeerCertificate().raw;
  return der && new X509Certificate(der);
};

// Signs in whoever it was asked for, with all that was asked for.
async function signIn(request, response) {
  const { prompt, params, grantId, session } = await provider.interactionDetails(request, response);
  if (prompt.name === 'login') {
    const login = { accountId: params.login_hint, acr: params.acr_values ?? 'urn:example:password', amr: ['pwd'], ts: Math.floor(Date.now() / 1000) };
    return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
  }
  const grant = (grantId && await provider.Grant.find(grantId))
    ?? new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
  if (prompt.details.missingOIDCScope) grant.addOIDCScope(prompt.details.missingOIDCScope.join(' '));
  if (prompt.details.missingOIDCClaims) grant.addOIDCClaims(prompt.details.missingOIDCClaims);
  for (const [resource, scopes] of Object.entries(prompt.details.missingResourceScopes ?? {})) {
    grant.addResourceScope(resource, scopes.join(' '));
  }
  for (const detail of prompt.details.rar ?? []) grant.addRar(detail);
  return provider.interactionFinished(request, response, { consent: { grantId: await grant.save() } });
}

const seen = {};
let provider;
let answer;
const server = createServer({
  cert: readFileSync(settings.certificate),
  key: readFileSync(settings.key),
  ca: readFileSync(settings.client_ca),
  requestCert: true,
  rejectUnauthorized: false,
}, (request, response) => {
  const path = request.url.split('?')[0];
  // What a browser goes through has names that are used once.
  if (!/^\/(auth|sign-in)\//.test(path)) seen[path] = (seen[path] ?? 0) + 1;
  if (!path.startsWith('/sign-in/')) return answer(request, response);
  return signIn(request, response).catch((error) => {
    console.error(error);
    response.writeHead(500).end();
  });
});
await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
const issuer = `https://localhost:${server.address().port}`;

// The first key signs; all are published.
let keys = [await freshKey()];
function serve() {
  provider = new Provider(issuer, configuration(keys));
  provider.on('server_error', (_, error) => console.error(error));
  answer = provider.callback();
}
const published = () => ({ keys: keys.map(({ d: _, ...key }) => key) });

const deeds = {
  jwks: published,
  rotate: async () => {
    keys = [await freshKey(), keys[0]];
    serve();
    return published();
  },
  retire: () => {
    keys = keys.slice(0, 1);
    serve();
    return published();
  },
  register: ({ client }) => {
    kept.set(client.client_id, { authorization_details_types: Object.keys(details), ...client });
    serve();
    return {};
  },
  seen: () => seen,
};

serve();
say({ issuer });
for await (const line of lines) {
  const told = JSON.parse(line);
  say(await deeds[told.do](told));
}
server.closeAllConnections();
server.close();
