// The example's web server: says which pod answered, and the greeting that the ConfigMap holds right now.
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

const { POD_NAME = 'unknown', NODE_NAME = 'unknown', GREETING_FILE = '/etc/hello/greeting' } = process.env;

const server = createServer((request, response) => {
  if (request.url === '/healthz') {
    response.end('ok\n');
    return;
  }
  const greeting = readFileSync(GREETING_FILE, 'utf8').trim();
  response.setHeader('content-type', 'text/plain; charset=utf-8');
  response.end(`${greeting}, answered by ${POD_NAME} on ${NODE_NAME}\n`);
  console.log(`${request.method} ${request.url}`);
});

server.listen(8080, () => console.log('listening on port 8080'));
process.on('SIGTERM', () => server.close(() => process.exit(0)));
