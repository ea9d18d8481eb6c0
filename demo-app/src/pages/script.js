// Chromium keeps a page for its back button in spite of `no-store`, and drops it only when a cookie
// changes after the page was left. A sign-out clears the cookie on the way out, which is earlier.
// So the page hides itself when it is left, and asks again when it is brought back.
addEventListener('pagehide',()=>{document.body.hidden=true});
addEventListener('pageshow',event=>{if(event.persisted)location.reload()})
