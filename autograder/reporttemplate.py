"""What stands on the class report's page, section by section, as a Jinja template."""

PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; img-src data:; style-src 'unsafe-inline'; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<title>{{ f.unit }}: class report</title>
<style>{{ style }}</style>
</head>
{% macro who(student) %}{% set page = s.page(student) %}{% if page %}<a href="{{ page }}">{{ s.name(student) }}</a>\
{% else %}{{ s.name(student) }}{% endif %}{% endmacro %}
{% macro table(caption, label) %}<div class="wide" role="region" tabindex="0" aria-label="Table: {{ label }}"><table>
<caption>{{ caption }}</caption>{{ caller() }}</table></div>{% endmacro %}
<body>
<header>
<h1>{{ f.title }}</h1>
<p class="quiet">Class report for <code>{{ f.unit }}</code>, {{ now }}\
{% if not s.named %}, without names{% endif %}</p>
<ul class="tiles">
<li><b>{{ f.students }}</b> {{ "submission" if f.students == 1 else "submissions" }}</li>
{% if f.students %}
<li><b>{{ "%.1f"|format(f.scores.mean) }}</b> mean of {{ f.marks.maximum|points }} points</li>
<li><b>{{ f.scores.median|points }}</b> median</li>
<li><b>{{ made|length }}</b> known {{ "mistake" if made|length == 1 else "mistakes" }} made</li>
<li><b>{{ shared|length }}</b> shared wrong {{ "answer" if shared|length == 1 else "answers" }} that no hint knows</li>
<li><b>{{ f.looks|length }}</b> to be looked at</li>
{% endif %}
</ul>
{% if f.students %}
<nav aria-label="Sections"><ul>
<li><a href="#scores">Scores</a></li><li><a href="#misunderstood">What was misunderstood</a></li>
<li><a href="#unknown">Wrong answers without a hint</a></li><li><a href="#tests">Exercises and tests</a></li>
<li><a href="#look">To be looked at</a></li><li><a href="#time">Time</a></li><li><a href="#students">Students</a></li>
<li><a href="#how">How this is counted</a></li></ul></nav>
{% endif %}
</header>
<main>
{% if not f.students %}
<div class="note">Nobody's work in this unit is graded in this course folder. First: \
<code>autograder grade {{ f.unit }}</code></div>
{% else %}
{% if f.waiting %}
<div class="note">{{ f.waiting|count("answer in words waits", "answers in words wait") }} to be marked by hand, and \
count{{ "s" if f.waiting == 1 }} 0 until then.{% if f.reachable < f.marks.maximum %} At most {{ f.reachable|points }} of \
{{ f.marks.maximum|points }} points can be reached now.{% endif %}</div>
{% endif %}
{% if f.reported < f.students %}
<div class="note">Of {{ (f.students - f.reported)|count("submission", "submissions") }} only the score is known: they were \
graded by plain nbgrader, or by an earlier version that kept no tests. They count under Scores, and nowhere else. \
<code>autograder grade {{ f.unit }} --force</code> grades them again.</div>
{% endif %}
{% if f.bundles > 1 %}
<div class="note">The class was graded with {{ f.bundles }} versions of the unit. Tests and mistakes may be different ones \
for different students. <code>autograder grade {{ f.unit }} --force</code> grades all with the present one.</div>
{% endif %}

<section aria-labelledby="scores">
<h2 id="scores">Scores</h2>
{{ charts.histogram(f.scores, f.reachable) }}
<p class="quiet">The box below the bars runs from the lower to the upper quartile, with the median in it; the line through \
it from the lowest to the highest score. The dashed line is the mean\
{% if f.reachable < f.marks.maximum %}, the dotted one what can be reached now{% endif %}.</p>
{% call table("Scores of " ~ (f.students|count("submission")) ~ ", of " ~ (f.marks.maximum|points) ~ " points", "Scores") %}
<thead><tr>{% for word in ("mean", "standard deviation", "lowest", "lower quartile", "median", "upper quartile", "highest", \
"full marks", "no points") %}<th scope="col" class="n">{{ word }}</th>{% endfor %}</tr></thead>
<tbody><tr>{% for value in (f.scores.mean, f.scores.deviation) %}<td class="n">{{ "%.2f"|format(value) }}</td>{% endfor %}
{% for value in (f.scores.values|min, f.scores.lower, f.scores.median, f.scores.upper, f.scores.values|max) %}
<td class="n">{{ "%.4g"|format(value) }}</td>{% endfor %}
<td class="n">{{ f.scores.full }}</td><td class="n">{{ f.scores.none }}</td></tr></tbody>
{% endcall %}
</section>

<section aria-labelledby="misunderstood">
<h2 id="misunderstood">What was misunderstood</h2>
{% if not f.mistakes %}
<p>The unit knows no mistakes yet. What its students answered wrongly stands in the next section.</p>
{% elif not made %}
<p>Nobody made one of the {{ f.mistakes|length }} mistakes that the unit knows.</p>
{% else %}
{% macro mistakes(some, caption) %}
{% call table(caption, caption) %}
<thead><tr><th scope="col">mistake</th><th scope="col">exercise</th><th scope="col" class="n">students</th>\
<th scope="col" class="n">of {{ f.reported }}</th><th scope="col"><span class="quiet">beside the most frequent</span></th></tr></thead>
<tbody>
{% for m in some %}
<tr><th scope="row"><a href="#{{ anchor("m", m.exercise, m.name) }}"><b>{{ m.name }}</b></a></th><td>{{ m.exercise }}</td>\
<td class="n">{{ m.students|length }}</td><td class="n">{{ (m.students|length / f.reported)|percent }}</td>\
<td>{{ charts.share(m.students|length / made[0].students|length, 260) }}</td></tr>
{% endfor %}
</tbody>
{% endcall %}
{% for m in some %}
<article class="card" id="{{ anchor("m", m.exercise, m.name) }}">
<h3>{{ m.name }} <span class="quiet">in {{ m.exercise }}: {{ m.students|length|count("student") }}, \
{{ (m.students|length / f.reported)|percent }}</span></h3>
{% if m.hint %}<p class="hint">{{ m.hint|ticks }}</p>{% endif %}
{% set own = s.mistake_example(m) %}
{% if m.code or own %}
<details class="source"{{ " open" if loop.index <= open_cards and m in made[:open_cards] }}><summary>The code</summary><div class="pair">
{% set same = own and plain(m.code) == own %}
{% if m.code %}<div><p class="label">The mistake, as the unit has it{% if same %}, and as a student wrote it{% endif %}</p>\
{{ code(m.code) }}</div>{% endif %}
{% if own and not same %}<div><p class="label">A student's, without comments</p>{{ code(own) }}</div>{% endif %}
</div></details>
{% endif %}
</article>
{% endfor %}
{% endmacro %}
{{ mistakes(made[:most_mistakes], "The most frequent known mistakes, by the number of students who answered just so") }}
{% if made|length > most_mistakes %}
<details class="more"><summary>{{ (made|length - most_mistakes)|count("known mistake") }} more, made by \
{{ made[most_mistakes].students|length|count("student") }} or fewer</summary>
{{ mistakes(made[most_mistakes:], "The other known mistakes that were made") }}
</details>
{% endif %}
{% if idle %}<p class="quiet">Known, and made by nobody: {% for m in idle %}{{ m.name }} ({{ m.exercise }})\
{{ ", " if not loop.last }}{% endfor %}.</p>{% endif %}
{% endif %}
</section>

<section aria-labelledby="unknown">
<h2 id="unknown">Wrong answers that no hint knows</h2>
{% if not f.groups %}
<p>Every wrong answer is one that the unit knows.</p>
{% else %}
<p>Students whose code failed the same tests, and gave the same values there, have probably misunderstood the same thing. \
No known mistake answers so, and they got no hint. Read the code, think of a name and of what you would tell them: the command \
writes both into the unit's source, if the unit passes the gates with it.</p>
{% if not shared %}<p>No two students gave the same wrong answer.</p>{% endif %}
{% macro group_card(g, open) %}
<article class="card" id="g-{{ g.key }}">
<h3>{{ g.exercise }} <span class="quiet">group <code>{{ g.key }}</code>: {{ g.students|length|count("student") }}</span></h3>
{% if not g.same_values %}<p>The tests saw no values here: what these answers share is only which tests they fail.</p>{% endif %}
{% if g.follows %}<p>May only follow from {{ g.follows|join(", ") }}, which {{ "this student has" if g.students|length == 1 \
else "all of these students have" }} wrong too, and which this exercise calls.</p>{% endif %}
<ul>{% for row in g.rows[:4] %}<li>{{ row.title }}{% if row.hidden %} <span class="badge">hidden</span>{% endif %}: \
{{ row.message.strip().splitlines()[-1][:300] if row.message.strip() else row.status }}</li>{% endfor %}
{% if g.rows|length > 4 %}<li class="quiet">and {{ (g.rows|length - 4)|count("test") }} more</li>{% endif %}</ul>
{% set own = s.group_example(g) %}
{% if own %}<details class="source"{{ " open" if open }}><summary>The code</summary><p class="label">A student's, without comments</p>
{{ code(own) }}</details>{% else %}<p class="quiet">No code can be shown: it is no Python, or holds a name.</p>{% endif %}
{% if own and not g.follows %}<pre><code>{{ s.learn(g) }}</code></pre>{% endif %}
</article>
{% endmacro %}
{% for g in shared[:most_groups] %}{{ group_card(g, loop.index <= open_cards) }}{% endfor %}
{% macro folded(some, words) %}
{% if some %}
<details class="more"><summary>{{ words }}</summary>
{% for g in some[:most_folded] %}{{ group_card(g, false) }}{% endfor %}
{% if some|length > most_folded %}<p class="quiet">{{ some|length - most_folded }} more stand in the table \
{{ f.unit }}.mistakes.csv.</p>{% endif %}
</details>
{% endif %}
{% endmacro %}
{{ folded(shared[most_groups:], (shared|length - most_groups)|count("shared wrong answer") ~ " more") }}
{{ folded(single, single|length|count("wrong answer of a single student", "wrong answers, each of a single student")) }}
{{ folded(following, following|length|count("wrong answer") ~ " that may only follow from an earlier exercise") }}
{% endif %}
</section>

<section aria-labelledby="tests">
<h2 id="tests">Exercises and tests</h2>
<ul class="legend">{% for kind, words in (("full", "all tests passed"), ("part", "some passed"), ("wrong", "written, none passed"), \
("unwritten", "not written, or not defined"), ("unchecked", "could not be examined")) %}
<li><svg class="key" viewBox="0 0 10 10" aria-hidden="true"><rect class="{{ kind }}" width="10" height="10"/></svg>{{ words }}</li>
{% endfor %}</ul>
{% call table("How the class did in each exercise", "Exercises") %}
<thead><tr><th scope="col">exercise</th><th scope="col" class="n">points</th><th scope="col" class="n">mean share</th>\
<th scope="col" class="n">all</th><th scope="col" class="n">some</th><th scope="col" class="n">none</th>\
<th scope="col" class="n">not written</th><th scope="col" class="n">not examined</th>\
<th scope="col"><span class="quiet">students</span></th></tr></thead>
<tbody>
{% for e in f.exercises %}
<tr><th scope="row"><a href="#{{ anchor("e", e.name) }}"><b>{{ e.name }}</b></a></th><td class="n">{{ e.points|points }}</td>\
<td class="n">{{ e.mean|percent }}</td>{% for n in (e.full, e.part, e.wrong, e.unwritten, e.unchecked) %}<td class="n">{{ n }}</td>\
{% endfor %}<td>{{ charts.stack([("full", e.full), ("part", e.part), ("wrong", e.wrong), ("unwritten", e.unwritten), \
("unchecked", e.unchecked)]) }}</td></tr>
{% endfor %}
</tbody>
{% endcall %}
{% if flagged %}<div class="note">{{ flagged|length|count("test") }} to be looked at, because passing \
{{ "it" if flagged|length == 1 else "them" }} does not go with doing well elsewhere: {% for t in flagged %}\
<a href="#{{ anchor("t", t.exercise, t.test) }}">{{ t.exercise }}, {{ t.title }}</a>{{ "; " if not loop.last }}{% endfor %}.</div>{% endif %}
{% for e in f.exercises %}
<h3 id="{{ anchor("e", e.name) }}">{{ e.name }}</h3>
{% call table("Who passed each test of " ~ e.name, "Tests of " ~ e.name) %}
<thead><tr><th scope="col" class="what">test</th><th scope="col" class="n">passed</th><th scope="col" class="n">of all {{ f.reported }}</th>\
<th scope="col" class="n">of those who wrote it</th><th scope="col"><span class="quiet">share</span></th>\
<th scope="col" class="n">goes with the rest</th><th scope="col">which means</th></tr></thead>
<tbody>
{% for t in e.tests %}
<tr id="{{ anchor("t", t.exercise, t.test) }}"{{ ' class="flag"'|safe if t.discrimination.flag }}><th scope="row">{{ t.title }}\
{% if t.hidden %} <span class="badge">hidden</span>{% endif %}{% if t.gone %} <span class="badge">no longer in the source</span>{% endif %}</th>\
<td class="n">{{ t.passed }}</td><td class="n">{{ (t.passed / f.reported)|percent if f.reported else "" }}</td>\
<td class="n">{{ t.share_of_wrote|percent if t.wrote else "" }}</td><td>{{ charts.share(t.passed / f.reported if f.reported else 0) }}</td>\
<td class="n">{{ "%+.2f"|format(t.discrimination.value) if t.discrimination.value is not none else "" }}</td>\
<td class="words">{{ t.discrimination.words }}</td></tr>
{% endfor %}
</tbody>
{% endcall %}
{% endfor %}
</section>

<section aria-labelledby="look">
<h2 id="look">To be looked at</h2>
{% if f.looks %}
<p>What was tampered with was undone before anything was graded, and no point rests on it. Points earned before a crash were kept.</p>
{% call table(f.looks|length|count("submission") ~ " that a person should look at", "To be looked at") %}
<thead><tr><th scope="col">student</th><th scope="col" class="n">score</th><th scope="col">what</th></tr></thead>
<tbody>
{% for look in f.looks %}
<tr><th scope="row" class="name">{{ who(look.student) }}</th><td class="n">{{ f.marks.results[look.student].total|points }}</td><td>\
{% for kind, why in look.reasons %}<b>{{ kind }}</b>{% if why %}: {{ why }}{% endif %}{% if not loop.last %}<br>{% endif %}{% endfor %}</td></tr>
{% endfor %}
</tbody>
{% endcall %}
{% else %}
<p>No tampering was found, nothing ran out of time or memory, nothing died, and every file could be read.</p>
{% endif %}
{% if unmatched %}
<h3>Wrong, and told no hint</h3>
<details{{ " open" if unmatched|length <= 12 }}><summary>{{ unmatched|length|count("student") }} with an answer that is wrong like no known mistake</summary>
{% call table("Exercises in which a student got no hint, with the group of the answer", "Wrong, and told no hint") %}
<thead><tr><th scope="col">student</th><th scope="col" class="n">score</th><th scope="col">exercises</th></tr></thead>
<tbody>
{% for student, names in unmatched %}
<tr><th scope="row" class="name">{{ who(student) }}</th><td class="n">{{ f.marks.results[student].total|points }}</td>\
<td>{% for name in names %}{{ name }} <code>{{ group_of[(student, name)] }}</code>{{ ", " if not loop.last }}{% endfor %}</td></tr>
{% endfor %}
</tbody>
{% endcall %}
</details>
{% endif %}
</section>

<section aria-labelledby="time">
<h2 id="time">Time</h2>
{% if f.times.processor %}
{% set used = f.times.processor.values()|list %}
<p>The cells and checks of a submission took {{ median(used)|seconds }} of processor time (median); the most was \
{{ used|max|seconds }}.</p>
{{ charts.strip(used, "s") }}
{% endif %}
{% if f.times.wall %}
{% set used = f.times.wall.values()|list %}
<p>By the clock, from taking a submission up to its result, it was {{ median(used)|seconds }} (median) and at most \
{{ used|max|seconds }}; {{ used|sum|seconds }} for all, one after the other.</p>
{% endif %}
{% if slowest %}
{% call table("The slowest submissions", "The slowest submissions") %}
<thead><tr><th scope="col">student</th><th scope="col" class="n">processor</th><th scope="col" class="n">clock</th>\
<th scope="col">outcome</th></tr></thead>
<tbody>{% for student in slowest %}<tr><th scope="row" class="name">{{ who(student) }}</th>\
<td class="n">{{ f.times.processor[student]|seconds if student in f.times.processor }}</td>\
<td class="n">{{ f.times.wall[student]|seconds if student in f.times.wall }}</td>\
<td>{{ f.marks.results[student].outcome }}</td></tr>{% endfor %}</tbody>
{% endcall %}
{% else %}<p>No times were recorded.</p>{% endif %}
</section>

<section aria-labelledby="students">{% set late = f.marks.results.values()|selectattr("penalty")|list|length %}
<h2 id="students">Students</h2>
<details{{ " open" if order|length <= 40 }}><summary>The scores of {{ order|length|count("student") }}</summary>
<div class="dense">{% call table("Scores by exercise; a dot where there is no score", "Students") %}
<thead><tr><th scope="col">student</th><th scope="col" class="n">score</th>\
{% for name in f.marks.points %}<th scope="col" class="n">{{ name.removeprefix("check-").removeprefix("question-")|breaking }}</th>{% endfor %}\
{% if late %}<th scope="col" class="n">late</th>{% endif %}<th scope="col">outcome</th></tr></thead>
<tbody>
{% for student in order %}{% set r = f.marks.results[student] %}
<tr><th scope="row" class="name">{{ who(student) }}</th><td class="n">{{ r.total|points }}</td>\
{% for cell in r.cells.values() %}<td class="n">{{ "·" if cell.auto is none and cell.manual is none else cell.score|points }}</td>{% endfor %}\
{% if late %}<td class="n">{{ "−" ~ r.penalty|points if r.penalty else "" }}</td>{% endif %}<td>{{ r.outcome }}</td></tr>
{% endfor %}
</tbody>
{% endcall %}</div>
</details>
{% if f.marks.absent %}<p class="quiet">{{ f.marks.absent|length|count("student") }} in the gradebook handed in nothing for this unit, \
and do not count here.</p>{% endif %}
</section>

<section aria-labelledby="how">
<h2 id="how">How this is counted</h2>
<p><b>Scores</b> are the gradebook's, as the exports have them: marks by hand and penalties for late work included. All that is \
graded counts, unreadable work too.</p>
<p><b>Shares of tests and mistakes</b> are of the {{ f.reported }} submissions whose tests are known. An exercise is \
<i>written</i> if its check found the names that it defines. A test that could not run was not passed.</p>
<p><b>Goes with the rest</b> is the correlation of passing a test with the points of all other tests of the unit, among those \
who wrote the exercise (the corrected point-biserial correlation). Above 0.4 a test separates very well, below 0.2 hardly; \
near 0 it is about something else than the rest; below 0 those who do well elsewhere fail it, and something is wrong with the \
test or with how it is put (Ebel and Frisbie, <i>Essentials of Educational Measurement</i>, 1991). Chance alone moves it by \
about 1/√n: {% if f.reported %}with {{ f.reported }} students by {{ "%.2f"|format(1 / f.reported ** 0.5) }}{% endif %}. A test \
that everybody passes has none, and may be a good test all the same.</p>
<p><b>A mistake is recognised</b> when the values that the tests saw are those of a mistake in the unit's source. No code is \
compared. <b>Groups</b> are made the same way: the same tests failed, with the same values up to rounding.</p>
<p><b>Examples</b> are the form that most of the students in question wrote, without comments, docstrings and prints; code in \
which the student's name stands is not shown.</p>
</section>
{% endif %}
</main>
</body>
</html>
"""
