// A `fetch` that shows a client certificate and trusts one authority, which Node's own cannot; redirects are the caller's.
import { request } from 'node:https';
import { readFileSync } from 'node:fs';

// `to` says for a host where it is on this machine (`address`), and under which name it is called there (`authority`): what
// stands before a gateway does no less.
export function fetchWith({ ca, certificate, key, to = {} }) {
  const tls = {
    ca: readFileSync(ca),
    ...(certificate && { cert: readFileSync(certificate), key: readFileSync(key) }),
  };
  return async (url, { method = 'GET', headers = {}, body, signal } = {}) => {
    url = new URL(url);
    const { address = url.host, authority = url.host } = to[url.host] ?? {};
    const [host, port] = address.split(':');
    const fields = { host: authority, ...Object.fromEntries(new Headers(headers)) };
    const payload = body === undefined || body === null ? undefined : Buffer.from(String(body));
    if (payload) fields['content-length'] = payload.length;
    const options = { ...tls, host, port, method, headers: fields, path: url.pathname + url.search, agent: false, signal };
    options.servername = authority.split(':')[0];
    const { answer, bytes } = await new Promise((resolve, reject) => {
      const exchange = request(options, (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () => resolve({ answer, bytes: Buffer.concat(chunks) }));
        answer.on('error', reject);
      });
      exchange.on('error', reject);
      exchange.end(payload);
    });
    const told = new Headers();
    for (let at = 0; at < answer.rawHeaders.length; at += 2) told.append(answer.rawHeaders[at], answer.rawHeaders[at + 1]);
    const without = [101, 204, 205, 304].includes(answer.statusCode);
    return new Response(without ? null : bytes, { status: answer.statusCode, headers: told });
  };
}
