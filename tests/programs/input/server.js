// An http server and its clients, a worker, a child process, a hash over a stream.
const http = require("http");
const { Worker, isMainThread, parentPort } = require("worker_threads");
const { execFileSync } = require("child_process");
const crypto = require("crypto");
const zlib = require("zlib");

if (!isMainThread) {
  parentPort.postMessage([...Array(1000).keys()].reduce((a, b) => a + b));
} else {
  const server = http.createServer((request, response) => {
    response.setHeader("content-type", "text/plain");
    response.end(`you asked for ${request.url}`);
  });
  server.listen(0, "127.0.0.1", async () => {
    const { port } = server.address();
    const get = (path) =>
      new Promise((done, failed) => {
        http
          .get({ port, path, host: "127.0.0.1" }, (answer) => {
            let text = "";
            answer.on("data", (chunk) => {
              text += chunk;
            });
            answer.on("end", () => done(`${answer.statusCode} ${text}`));
          })
          .on("error", failed);
      });
    for (const answer of await Promise.all(["/a", "/b", "/c"].map(get))) console.log(answer);
    server.close();
    new Worker(__filename).on("message", (sum) => {
      console.log("worker", sum);
      console.log(execFileSync("echo", ["child"]).toString().trim());
      const packed = zlib.gzipSync("x".repeat(100000));
      console.log(crypto.createHash("sha256").update(zlib.gunzipSync(packed)).digest("hex"));
    });
  });
}
