//! The pages of the site: one that is in order, and one that does everything wrong.

use crate::site::File;

pub const PAGES: &[File] = &[
    ("/", "text/html", FORM),
    ("/form.js", "text/javascript", SCRIPT),
    ("/form.css", "text/css", STYLE),
    ("/wrong", "text/html", WRONG),
    (
        "/wrong.js",
        "text/javascript",
        "console.error('it broke', 7); throw new Error('thrown on purpose')",
    ),
    (
        "/worker",
        "text/html",
        "<!DOCTYPE html><html lang=en><title>Worker</title><p>worker<script src=/worker-page.js></script>",
    ),
    ("/worker-page.js", "text/javascript", WORKER_PAGE),
    ("/worker.js", "text/javascript", WORKER),
    (
        "/camera",
        "text/html",
        "<!DOCTYPE html><html lang=en><title>Camera</title><video autoplay muted></video><script src=/camera.js></script>",
    ),
    ("/camera.js", "text/javascript", CAMERA),
    ("/favicon.ico", "image/x-icon", ""),
];

const FORM: &str = r#"<!DOCTYPE html>
<html lang="ja"><head><title>接種の登録</title><meta name="viewport" content="width=device-width">
<link rel="stylesheet" href="/form.css"><script src="/form.js" defer></script></head>
<body><main><h1>接種の登録</h1>
<form method="post" action="/sent" enctype="multipart/form-data">
  <p><label>券番号 <input name="coupon" id="coupon" inputmode="numeric" required></label></p>
  <p><label>接種日 <input name="day" type="date"></label></p>
  <p><label>会場 <select name="venue"><option value="">選ぶ</option><option value="a">市民館</option><option value="b">体育館</option></select></label></p>
  <p><label>写真 <input name="photo" type="file"></label></p>
  <p><label><input name="agree" type="checkbox"> 同意する</label></p>
  <p><button>登録する</button> <button type="button" disabled>使えない</button></p>
</form>
<p role="status" id="typed"></p>
<div class="far"><button type="button" id="far">遠くのボタン</button></div>
<p id="hidden" hidden>後で出る</p>
<div class="under"><button type="button" id="covered">下のボタン</button><div class="over">上の板</div></div>
<ul><li><a href="/language">言語</a></li><li>項目</li></ul>
</main></body></html>"#;

const STYLE: &str = "
.far { margin-top: 3000px }
.under { position: relative }
.over { position: absolute; inset: 0; background: white; }";

const SCRIPT: &str = "
document.querySelector('#coupon').addEventListener('keydown', event => {
  if (event.key === 'Enter') { event.preventDefault(); document.querySelector('#typed').textContent = `読取 ${event.target.value}`; }
});
document.querySelector('#far').addEventListener('click', event => {
  document.querySelector('#typed').textContent = `押された ${event.pointerType} ${event.isTrusted}`;
  setTimeout(() => { document.querySelector('#hidden').hidden = false; document.querySelector('.over').remove(); }, 150);
});";

const WRONG: &str = r#"<!DOCTYPE html><html><head><title></title></head><body>
<img src="http://elsewhere.example/spy.png"><img src="/nothing.png"><input>
<script>document.title = 'inline'</script><script src="/wrong.js"></script></body></html>"#;

const WORKER_PAGE: &str = "
navigator.serviceWorker.register('/worker.js').then(() => navigator.serviceWorker.ready).then(() => {
  document.querySelector('p').textContent = 'worker is ready';
});
async function ask() {
  const registration = await navigator.serviceWorker.ready;
  return new Promise(resolve => {
    const channel = new MessageChannel();
    channel.port1.onmessage = event => resolve(event.data);
    registration.active.postMessage('fetch', [channel.port2]);
  });
}";

const WORKER: &str = "
addEventListener('install', () => skipWaiting());
addEventListener('message', event => {
  const tell = text => event.ports[0].postMessage(text);
  fetch('/language', { cache: 'no-store' }).then(() => tell('reached'), () => tell('not reached'));
});";

const CAMERA: &str = "
navigator.mediaDevices.getUserMedia({ video: true }).then(stream => {
  const video = document.querySelector('video');
  video.srcObject = stream;
  video.onloadeddata = () => { document.title = `${video.videoWidth} x ${video.videoHeight}`; };
}, error => { document.title = error.name; });";
