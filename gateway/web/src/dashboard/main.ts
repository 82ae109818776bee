import "./dashboard.css"; document.body.append("dashboard");
