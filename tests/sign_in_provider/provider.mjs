// A real OpenID Connect provider for the sign-in tests: one client for the pages, one for programs, a few people.
// Says its address on standard output, and ends when standard input does.
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import { Provider } from 'oidc-provider';

const { REDIRECT_URI, SECRET, AUDIENCE } = process.env;

const PEOPLE = {
  'u-90': { roles: ['Sagsbehandler'], organisation: 'Eksempelkommune' },
  'u-95': { roles: ['Revisor', 'Sagsbehandler'] },
  'u-99': { roles: ['Kantine'], organisation: 'Eksempelkommune' },
  'karla@eksempel.dk': { roles: ['Sagsbehandler'], organisation: 'Eksempelkommune' },
};

const signingKey = {
  ...generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' }),
  kid: randomUUID(),
  use: 'sig',
  alg: 'RS256',
};

const configuration = {
  clients: [
    {
      client_id: 'pages',
      client_secret: SECRET,
      redirect_uris: [REDIRECT_URI],
      grant_types: ['authorization_code'],
      response_types: ['code'],
    },
    {
      client_id: 'program',
      client_secret: SECRET,
      redirect_uris: [],
      grant_types: ['client_credentials'],
      response_types: [],
    },
  ],
  jwks: { keys: [signingKey] },
  cookies: { keys: [randomUUID()] },
  claims: { openid: ['sub', 'roles', 'organisation'] },
  conformIdTokenClaims: false,
  pkce: { required: () => true },
  findAccount: (_context, id) => ({ accountId: id, claims: async () => ({ sub: id, ...PEOPLE[id] }) }),
  extraTokenClaims: (_context, token) => (token.accountId ? PEOPLE[token.accountId] : { roles: ['Revisor'] }),
  features: {
    clientCredentials: { enabled: true },
    devInteractions: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => AUDIENCE,
      useGrantedResource: () => true,
      getResourceServerInfo: () => ({
        scope: '',
        audience: AUDIENCE,
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'RS256' } },
      }),
    },
  },
};

const server = createServer();
server.listen(0, '127.0.0.1', () => {
  const issuer = `http://127.0.0.1:${server.address().port}`;
  server.on('request', new Provider(issuer, configuration).callback());
  console.log(`issuer ${issuer}`);
});
process.stdin.on('end', () => process.exit()).resume();
