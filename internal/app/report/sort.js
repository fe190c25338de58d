// Sorts a table by the column whose head is clicked; numbers by data-v.
document.querySelectorAll("table.sort th").forEach(function (head) {
  head.tabIndex = 0;
  head.classList.add("sorts");
  function sort() {
    var table = head.closest("table"), body = table.tBodies[0], at = head.cellIndex;
    var down = head.getAttribute("aria-sort") !== "descending";
    table.querySelectorAll("th").forEach(function (h) { h.removeAttribute("aria-sort"); });
    head.setAttribute("aria-sort", down ? "descending" : "ascending");
    function value(row) {
      var cell = row.cells[at], v = cell ? cell.getAttribute("data-v") : null;
      return v === null ? (cell ? cell.textContent : "") : parseFloat(v);
    }
    Array.from(body.rows).map(function (row, i) { return [value(row), i, row]; }).sort(function (a, b) {
      var x = a[0], y = b[0], d = typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
      return (down ? -d : d) || a[1] - b[1];
    }).forEach(function (r) { body.appendChild(r[2]); });
  }
  head.addEventListener("click", sort);
  head.addEventListener("keydown", function (e) { if (e.key === "Enter" || e.key === " ") { e.preventDefault(); sort(); } });
});
