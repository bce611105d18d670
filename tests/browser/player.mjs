// Playing, seeking, stepping; looking at stills; listening.

import { ask, assert } from "./harness.mjs";
import { cells, search, settled } from "./library.mjs";

const media = (page, read) => page.locator(".screen video, .screen audio").evaluate(read);
const currentTime = (page) => media(page, (element) => element.currentTime);
const noError = async (page) => {
  const error = await media(page, (element) => element.error?.message ?? null);
  assert(error === null, `the player reports ${error}`);
  assert(!(await page.locator(".screen-trouble").isVisible()), "the page says that it cannot be played");
};

const moved = (page, from, by) =>
  page.waitForFunction(([start, least]) => document.querySelector(".screen video, .screen audio").currentTime > start + least, [from, by]);

const frame = (page) => page.locator(".readout-frame").evaluate((element) => Number(element.dataset.frame));

/** Opens results one after the other until one can be played here. */
async function openPlayable(page, text) {
  await search(page, text);
  await settled(page);
  await cells(page).first().focus();
  await page.keyboard.press("Enter");
  await page.waitForURL("**/asset/**");
  for (;;) {
    const url = page.url();
    await page.waitForFunction(() => {
      const element = document.querySelector(".screen video, .screen audio");
      const trouble = document.querySelector(".screen-trouble:not([hidden])");
      return trouble !== null || (element !== null && element.readyState >= 2);
    });
    if (!(await page.locator(".screen-trouble").isVisible())) return;
    const next = page.getByRole("button", { name: "Next result" });
    assert(await next.isEnabled(), `nothing that ${text} finds can be played`);
    await page.keyboard.press("ArrowDown");
    await page.waitForFunction((before) => location.href !== before, url);
  }
}

export async function playerChecks({ checks, page, options, shoot }) {
  const { base } = options;

  const opened = await checks.check("a video with sound opens", async () => {
    await openPlayable(page, "kind:video audio:yes sort:duration");
    await noError(page);
    const [width, height] = await media(page, (element) => [element.videoWidth, element.videoHeight]);
    assert(width > 0 && height > 0, "it has a picture");
    return `${width}x${height}`;
  });
  if (opened) {
    await checks.check("what is seen is the frame that the readout names", async () => {
      assert((await frame(page)) === 0, `it opens at frame ${await frame(page)}`);
      const off = await differenceOnScreen(page);
      assert(off < 12, `the picture differs from the video's own frame by ${off.toFixed(1)} of 255`);
      return `off by ${off.toFixed(2)} of 255`;
    });

    await checks.check("it plays", async () => {
      const from = await currentTime(page);
      await page.keyboard.press("l");
      await moved(page, from, 0.4);
      await noError(page);
      assert(!(await media(page, (element) => element.paused)), "it goes on playing");
      await shoot(page, "detail.png");
      await page.keyboard.press("k");
      await page.waitForFunction(() => document.querySelector(".screen video").paused);
    });

    await checks.check("it seeks", async () => {
      await page.keyboard.press("Home");
      await page.waitForFunction(() => document.querySelector(".screen video").currentTime === 0);
      await page.keyboard.press("Shift+ArrowRight");
      await page.waitForFunction(() => {
        const { currentTime: now, duration, seeking, readyState } = document.querySelector(".screen video");
        return !seeking && readyState >= 2 && Math.abs(now - Math.min(1, duration)) < 0.05;
      });
      await noError(page);
    });

    await checks.check("it steps frame by frame", async () => {
      const rate = await page.evaluate(async () => {
        const id = location.pathname.split("/").pop();
        const [num, den = "1"] = (await (await fetch(`/api/v1/assets/${id}`)).json()).frame_rate_hz.split("/");
        return num / den;
      });
      const wait = (number) =>
        page.waitForFunction(
          ([wanted, hz]) => {
            const video = document.querySelector(".screen video");
            const shown = Number(document.querySelector(".readout-frame").dataset.frame);
            return !video.seeking && shown === wanted && Math.floor(video.currentTime * hz + 1e-3) === wanted;
          },
          [number, rate],
        );
      const start = await frame(page);
      await page.keyboard.press(".");
      await wait(start + 1);
      await page.keyboard.press(".");
      await wait(start + 2);
      await page.keyboard.press(",");
      await wait(start + 1);
      return `frame ${start} to ${start + 1} at ${rate.toFixed(3)} fps`;
    });

    await checks.check("J goes backwards, Space plays on", async () => {
      const from = await currentTime(page);
      await page.keyboard.press("j");
      await page.waitForFunction((start) => document.querySelector(".screen video").currentTime < start - 0.1, from);
      await page.keyboard.press("k");
      const rest = await currentTime(page);
      await page.keyboard.press("Space");
      await moved(page, rest, 0.1);
      await page.keyboard.press("Space");
      await page.waitForFunction(() => document.querySelector(".screen video").paused);
    });

    await checks.check("any seek ends playing backwards, and seeks", async () => {
      const { duration } = await media(page, (element) => ({ duration: element.duration }));
      for (const [key, wanted] of [["End", duration], ["Home", 0], ["Shift+ArrowRight", 1], ["ArrowRight", 6]]) {
        await page.keyboard.press("j");
        await page.keyboard.press(key);
        await page.waitForFunction(
          ([least, most]) => {
            const { seeking, paused, currentTime: now } = document.querySelector(".screen video");
            const stands = document.querySelector(".transport [aria-label=Play]") !== null;
            return !seeking && paused && stands && now >= least && now <= most;
          },
          // A frame or two may go by before the key is heard.
          [Math.max(0, wanted - 0.3), wanted + 0.05],
        );
      }
    });

    await checks.check("there is one bar of controls, all of it reached by Tab", () => controlsByKeyboard(page));

    await checks.check("the picture fills the screen, and comes back", async () => {
      const bar = page.getByRole("group", { name: "Playback" });
      await bar.getByRole("button", { name: "Full screen" }).click();
      await page.waitForFunction(() => document.fullscreenElement?.contains(document.querySelector(".screen video")) && document.fullscreenElement.contains(document.querySelector(".transport")));
      await bar.getByRole("button", { name: "Leave full screen" }).click();
      await page.waitForFunction(() => document.fullscreenElement === null);
    });

    await checks.check("its facts are readable", async () => {
      for (const name of ["File", "Picture", "Sound", "Time", "Places", "Identity"]) {
        assert(await page.locator(".facts .group > summary", { hasText: name }).first().isVisible(), `there is no group ${name}`);
      }
      await page.locator(".facts .raw > summary").click();
      await page.locator(".facts .raw pre", { hasText: '"streams"' }).waitFor();
    });

    await checks.check("Escape returns to the results", async () => {
      await page.locator(".stage").focus();
      await page.keyboard.press("Escape");
      await page.waitForFunction(() => location.pathname === "/" && document.activeElement.closest(".cell") !== null);
    });
  }

  const turned = await findRotated(page);
  if (turned) {
    await checks.check("a turned clip is upright", async () => {
      await page.goto(`${base}/asset/${turned.id}`);
      await page.waitForFunction(() => document.querySelector(".screen-trouble:not([hidden])") !== null || document.querySelector(".screen video")?.readyState >= 1);
      if (await page.locator(".screen-trouble").isVisible()) return "this browser cannot play it and says so";
      const size = await media(page, (element) => [element.videoWidth, element.videoHeight]);
      assert(size[0] === turned.width && size[1] === turned.height, `the browser shows ${size}, the catalogue says ${turned.width},${turned.height}`);
      return `${size[0]}x${size[1]}`;
    });
  } else {
    checks.skip("a turned clip is upright", "the library holds none");
  }

  await stillChecks({ checks, page, base, patienceMs: options.patienceMs });

  if ((await ask(page, "/search?query=kind:audio&limit=1")).body.items.length) {
    await checks.check("a sound file plays", async () => {
      await page.goto(`${base}/`);
      await openPlayable(page, "kind:audio");
      const from = await currentTime(page);
      await page.keyboard.press("Space");
      await moved(page, from, 0.3);
      await noError(page);
      await page.keyboard.press("Space");
    });
  } else {
    checks.skip("a sound file plays", "the library holds none");
  }
}

/** What the browser's own controls had, in our bar. */
async function controlsByKeyboard(page) {
  assert(!(await media(page, (element) => element.controls)), "the browser's own controls are there too");
  await page.locator(".stage").focus();
  const reached = [];
  for (let presses = 0; presses < 12; presses += 1) {
    await page.keyboard.press("Tab");
    const name = await page.evaluate(() => document.activeElement.closest(".transport") && document.activeElement.getAttribute("aria-label"));
    if (name) reached.push(name);
  }
  for (const name of ["Position", "Play", "One frame back", "One frame on", "Sound off", "Volume", "Full screen"]) {
    assert(reached.includes(name), `Tab does not lead to ${name}, only to ${reached.join(", ")}`);
  }
  const bar = page.getByRole("group", { name: "Playback" });
  const position = bar.getByRole("slider", { name: "Position" });
  await position.fill("500");
  await page.waitForFunction(() => {
    const { seeking, currentTime: now, duration } = document.querySelector(".screen video");
    return !seeking && Math.abs(now - duration / 2) < 0.05;
  });
  assert(/^0:0\d of 0:0\d$/.test(await position.getAttribute("aria-valuetext")), "the place is said in words");
  assert(/^\/ \d+:\d\d$/.test(await page.locator(".readout-length").textContent()), "the length is shown");
  await position.focus();
  await page.keyboard.press("Space");
  await page.waitForFunction(() => !document.querySelector(".screen video").paused);
  await page.keyboard.press("Space");
  await page.waitForFunction(() => document.querySelector(".screen video").paused);
  const loud = () => media(page, (element) => [element.muted, Number(element.volume.toFixed(2))].join());
  await bar.getByRole("slider", { name: "Volume" }).focus();
  await page.keyboard.press("ArrowLeft");
  await page.waitForFunction(() => Math.abs(document.querySelector(".screen video").volume - 0.95) < 1e-6);
  await page.keyboard.press("ArrowRight");
  await bar.getByRole("button", { name: "Sound off" }).click();
  assert((await loud()) === "true,1", `after Sound off: ${await loud()}`);
  await page.keyboard.press("m");
  assert((await loud()) === "false,1", `after M: ${await loud()}`);
  return reached.join(", ");
}

/** How far what is painted is from the video's frame, on average, of 255; its margins are left out. */
async function differenceOnScreen(page) {
  const painted = (await page.locator(".screen video").screenshot({ animations: "disabled" })).toString("base64");
  return page.evaluate(async (base64) => {
    const video = document.querySelector(".screen video");
    const [across, down] = [64, 36];
    const pixels = (draw) => {
      const canvas = new OffscreenCanvas(across, down);
      const context = canvas.getContext("2d");
      draw(context);
      return context.getImageData(0, 0, across, down).data;
    };
    const bytes = Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
    const shot = await createImageBitmap(new Blob([bytes], { type: "image/png" }));
    // The video is fitted into its element.
    const scale = Math.min(shot.width / video.videoWidth, shot.height / video.videoHeight);
    const [width, height] = [video.videoWidth * scale, video.videoHeight * scale];
    const seen = pixels((context) => context.drawImage(shot, (shot.width - width) / 2, (shot.height - height) / 2, width, height, 0, 0, across, down));
    const own = pixels((context) => context.drawImage(video, 0, 0, across, down));
    let sum = 0;
    let number = 0;
    for (let y = 4; y < down - 8; y += 1) {
      for (let x = 4; x < across - 4; x += 1) {
        for (let part = 0; part < 3; part += 1) {
          sum += Math.abs(seen[(y * across + x) * 4 + part] - own[(y * across + x) * 4 + part]);
          number += 1;
        }
      }
    }
    return sum / number;
  }, painted);
}

async function findRotated(page) {
  const { body } = await ask(page, "/search?query=kind:video&limit=60");
  for (const row of body.items) {
    const asset = (await ask(page, `/assets/${row.id}`)).body;
    const stream = asset.probe?.streams?.find((item) => item.kind === "video" && [90, 270].includes(item.rotation_degrees));
    if (stream) return { id: row.id, width: row.width_px, height: row.height_px };
  }
  return null;
}

async function stillChecks({ checks, page, base, patienceMs }) {
  const shown = () =>
    page.waitForFunction(() => {
      const image = document.querySelector("img.still");
      return image !== null && image.complete && image.naturalWidth > 0 && image.clientWidth > 0;
    });
  const plain = (await ask(page, "/search?query=kind:still&limit=200")).body.items.find((row) => /\.(jpe?g|png)$/i.test(row.name) && !row.error);
  if (plain) {
    await checks.check("a still is shown whole, then pixel for pixel", async () => {
      await page.goto(`${base}/asset/${plain.id}`);
      await shown();
      const source = await page.locator("img.still").getAttribute("src");
      assert(source.endsWith("/media"), `the original is shown, not ${source}`);
      const natural = await page.locator("img.still").evaluate((image) => [image.naturalWidth, image.naturalHeight]);
      assert(natural[0] === plain.width_px && natural[1] === plain.height_px, `the browser sees ${natural}, the catalogue ${plain.width_px},${plain.height_px}`);
      await page.getByRole("button", { name: "Pixel for pixel" }).click();
      await page.waitForFunction(() => {
        const image = document.querySelector("img.still");
        return Math.abs(image.getBoundingClientRect().width * devicePixelRatio - image.naturalWidth) < 1;
      });
      assert((await page.locator(".zoom-percent").textContent()) === "100 %", "it says 100 %");
      await page.keyboard.press("z");
      return `${natural[0]}x${natural[1]}`;
    });
  } else {
    checks.skip("a still is shown", "the library holds no JPEG or PNG");
  }
  const heic = (await ask(page, "/search?query=ext:heic&limit=1")).body.items[0];
  if (heic) {
    await checks.check("a HEIC is shown by its preview", async () => {
      await page.waitForFunction(
        async (id) => (await (await fetch(`/api/v1/assets/${id}`)).json()).preview?.poster === true,
        heic.id,
        { timeout: patienceMs, polling: 500 },
      );
      await page.goto(`${base}/asset/${heic.id}`);
      await shown();
      const row = (await ask(page, `/assets/${heic.id}`)).body;
      const { across, down, room, long } = await page.locator("img.still").evaluate((image) => {
        const frame = image.parentElement;
        const [across, down] = [image.clientWidth / frame.clientWidth, image.clientHeight / frame.clientHeight];
        return { across, down, room: Math.max(across, down), long: Math.max(image.naturalWidth, image.naturalHeight) };
      });
      assert(Math.abs(room - 1) < 0.01, `it fills ${across.toFixed(2)} by ${down.toFixed(2)} of the room`);
      const note = await page.locator(".stage-note").textContent();
      const size = [row.width_px, row.height_px].map((px) => px.toLocaleString("en"));
      assert(note.startsWith(`Preview, ${long} px.`) && note.includes(`${size[0]} × ${size[1]} px`), `it says ${note}`);
      return note;
    });
  } else {
    checks.skip("a HEIC is shown by its preview", "the library holds none");
  }
}
