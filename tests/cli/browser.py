#!/usr/bin/env python3
# browser.py FILE [--dark] [--width N] [--height N] [--scale X] [--screenshot FILE.png]: a page as headless Chromium sees it, as JSON.
#
#   requests   every address that the page asked for, itself included
#   console    messages and errors
#   elements   how many there are of each name; handlers: attributes that begin with on; title
#   wider      pixels by which the page is wider than the screen
#   load_ms    from the request to the end of the load event; paint_ms: to the first paint
#
# The browser is driven through a pipe (DevTools protocol), so nothing but it and this script takes part.  Its own requests for updates are
# no business of the page: names are not resolved, and the page's are counted where the page makes them.
import argparse, base64, json, os, shutil, subprocess, sys, tempfile, time


class Browser:
    def __init__(self, program, folder):
        self.number, self.events = 0, []
        ours, theirs = os.pipe(), os.pipe()  # commands to it, answers from it
        keep = [os.dup(ours[0]), os.dup(theirs[1])]

        def place():
            high = [os.dup2(keep[0], 60), os.dup2(keep[1], 61)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--remote-debugging-pipe", f"--user-data-dir={folder}",
             "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
             "--disable-extensions", "--hide-scrollbars", "--host-resolver-rules=MAP * ~NOTFOUND", "about:blank"],
            preexec_fn=place, close_fds=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for end in (ours[0], theirs[1], *keep):
            os.close(end)
        self.to, self.back, self.rest = ours[1], theirs[0], b""

    def read(self):
        while b"\0" not in self.rest:
            more = os.read(self.back, 1 << 20)
            if not more:
                sys.exit("browser.py: the browser has ended")
            self.rest += more
        message, self.rest = self.rest.split(b"\0", 1)
        return json.loads(message)

    def ask(self, method, session=None, **parameters):
        self.number += 1
        command = {"id": self.number, "method": method, "params": parameters}
        if session:
            command["sessionId"] = session
        data = json.dumps(command).encode() + b"\0"
        while data:
            data = data[os.write(self.to, data):]
        while True:
            message = self.read()
            if message.get("id") == self.number:
                if "error" in message:
                    sys.exit(f"browser.py: {method}: {message['error']['message']}")
                return message["result"]
            self.events.append(message)

    def wait(self, method):
        while not any(event.get("method") == method for event in self.events):
            self.events.append(self.read())


def look(browser, given):
    target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
    tab = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
    for domain in ("Page", "Network", "Runtime", "Log"):
        browser.ask(f"{domain}.enable", tab)
    browser.ask("Emulation.setEmulatedMedia", tab,
                features=[{"name": "prefers-color-scheme", "value": "dark" if given.dark else "light"}])
    browser.ask("Emulation.setDeviceMetricsOverride", tab, width=given.width, height=given.height, deviceScaleFactor=given.scale,
                mobile=given.width < 600)
    browser.events.clear()
    browser.ask("Page.navigate", tab, url="file://" + os.path.abspath(given.file))
    browser.wait("Page.loadEventFired")

    def value(code):
        return browser.ask("Runtime.evaluate", tab, expression=code, returnByValue=True, awaitPromise=True)["result"].get("value")

    # two frames behind the load event everything has been laid out and painted
    value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seen = value("""(() => {
        const elements = {}, all = document.querySelectorAll('*'), times = performance.getEntriesByType('navigation')[0];
        let handlers = 0;
        for (const e of all) {
            elements[e.localName] = (elements[e.localName] || 0) + 1;
            for (const a of e.attributes) handlers += a.name.startsWith('on');
        }
        const paint = performance.getEntriesByType('paint')[0];
        return {elements, handlers, title: document.title, load_ms: times.loadEventEnd, paint_ms: paint ? paint.startTime : null,
                wider: Math.max(0, document.documentElement.scrollWidth - innerWidth),
                height: document.documentElement.scrollHeight};
    })()""")
    if given.screenshot:
        clip = {"x": 0, "y": given.top, "width": given.width, "height": given.height or seen["height"], "scale": 1}
        shot = browser.ask("Page.captureScreenshot", tab, format="png", clip=clip, captureBeyondViewport=True)
        with open(given.screenshot, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
    seen["requests"] = [e["params"]["request"]["url"] for e in browser.events if e.get("method") == "Network.requestWillBeSent"]
    seen["console"] = [json.dumps(e["params"]) for e in browser.events
                       if e.get("method") in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded")]
    return seen


def main():
    arguments = argparse.ArgumentParser(description="A page as headless Chromium sees it, as JSON.")
    arguments.add_argument("file")
    arguments.add_argument("--dark", action="store_true")
    arguments.add_argument("--width", type=int, default=1200)
    arguments.add_argument("--height", type=int, default=900)
    arguments.add_argument("--top", type=int, default=0, help="of the screenshot")
    arguments.add_argument("--scale", type=float, default=1)
    arguments.add_argument("--screenshot")
    given = arguments.parse_args()
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not program:
        sys.exit(77)
    folder = tempfile.mkdtemp()
    browser = Browser(program, folder)
    try:
        print(json.dumps(look(browser, given), indent=1))
    finally:
        browser.process.terminate()
        browser.process.wait()
        for attempt in range(20):
            shutil.rmtree(folder, ignore_errors=True)
            if not os.path.exists(folder):
                break
            time.sleep(0.1)


main()
